/**
 * Files read through memory maps, and the tensors that lie in them. A file is mapped in windows that
 * are let go again once others are in use, so that walking through a 4 GB file keeps only a few of its
 * pages resident; a tensor is an offset, sizes and strides over such a file. Start reading at {@link
 * dev.instaflow.checkpoint.mapped.MappedEntry}.
 */
package dev.instaflow.checkpoint.mapped;
