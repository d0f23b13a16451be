"""One shard, made: the inner loop of a worker. A pure function of plan, index, attempt and, where asked, the reply."""
