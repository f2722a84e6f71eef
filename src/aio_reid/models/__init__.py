"""The network: tokenizers, frozen encoder, heads. One part a file, so that the folder is the architecture."""
