/**
 * What is measured of pictures and of the ways to them, a small class a measure. Pictures are compared in
 * whole numbers of premultiplied RGBA at 64 pixels, so that equal means equal and no result depends on the
 * order of a sum. Start reading at {@link dev.instaflow.train.evaluate.metric.Picture}.
 */
package dev.instaflow.train.evaluate.metric;
