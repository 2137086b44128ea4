/**
 * What a fine-tune has changed in one model, added to another of the same origin: {@code W + alpha *
 * (W_finetuned - W_base)}, tensor by tensor. Whether the models have that origin is measured first, since the
 * sum of strangers is noise. Start reading at {@link dev.instaflow.train.transplant.Transplant}.
 */
package dev.instaflow.train.transplant;
