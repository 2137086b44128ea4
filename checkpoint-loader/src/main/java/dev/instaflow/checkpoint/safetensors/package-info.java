/**
 * Files of the safetensors format, read and written: an 8-byte length, a JSON header with the name,
 * type, shape and byte range of each tensor, and one block of data. The header is checked as strictly
 * as the original reader does: no overlaps, no gaps, nothing behind the last tensor. Start reading at
 * {@link dev.instaflow.checkpoint.safetensors.SafetensorsReader}.
 */
package dev.instaflow.checkpoint.safetensors;
