package dev.instaflow.nn;

import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;

/**
 * One weight that a model asks for.
 *
 * @param name the key, without the model's prefix
 * @param form what it is used for
 * @param fileShape the sizes in the file
 * @param shape the sizes in use: a 1x1 kernel {@code [Co,Ci,1,1]} is the matrix {@code [Co,Ci]}
 */
record Parameter(String name, WeightForm form, Shape fileShape, Shape shape) {}
