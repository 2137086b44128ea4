/**
 * Where the elements of tensors lie, and how they become Java arrays: files mapped in windows that are
 * let go again once others are in use (so that walking through a 4 GB file keeps few of its pages
 * resident), arrays on the heap, and views that rename or convert. Bounds are checked here, once, for
 * all formats. Start reading at {@link dev.instaflow.checkpoint.storage.MappedEntry} and {@link
 * dev.instaflow.checkpoint.storage.HeapEntry}.
 */
package dev.instaflow.checkpoint.storage;
