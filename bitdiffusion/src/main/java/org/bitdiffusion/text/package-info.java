/**
 * Captions as tokens: whole numbers in {@code 0 .. K-1}, a fixed number of them for each caption,
 * so that text is discrete data like any other. Nothing here knows of tensors.
 *
 * <p>A {@link org.bitdiffusion.text.Tokenizer} turns text into {@link org.bitdiffusion.text.Tokens}
 * and back. There are bytes, words, and whatever a {@code tokenizer.json} describes; {@link
 * org.bitdiffusion.text.BytePairTraining} learns such a file from captions, which {@link
 * org.bitdiffusion.text.CaptionCorpus} reads.
 */
package org.bitdiffusion.text;
