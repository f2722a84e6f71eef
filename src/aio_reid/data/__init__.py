"""Records to tensors: pictures, sentences, attributes, missing modalities, augmentation, samples and loaders."""
