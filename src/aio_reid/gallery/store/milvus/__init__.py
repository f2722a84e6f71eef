"""A gallery in a Milvus cluster, by URL, behind the same interface as the embedded one."""
