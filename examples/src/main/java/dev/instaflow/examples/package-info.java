/**
 * Programs of one idea each, to be read and copied: how an image is made, guided, started from
 * another one, drawn in batches, and stopped. They use nothing but the public API of core, and
 * where no model is named they run the bundled one. Start reading at {@link
 * dev.instaflow.examples.OneStep}.
 */
package dev.instaflow.examples;
