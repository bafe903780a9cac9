/**
 * How good generated data is. {@link org.bitdiffusion.metrics.CaptionScores} compares captions of
 * images with people's captions of the same images, as the COCO caption evaluation does: {@link
 * org.bitdiffusion.metrics.CaptionFile} reads them, {@link
 * org.bitdiffusion.metrics.CaptionTokenizer} splits them into tokens. {@link
 * org.bitdiffusion.modality.image.FeatureStatistics} of images give their Fréchet distance, which
 * by {@link org.bitdiffusion.modality.image.InceptionFeatures} is FID; {@link
 * org.bitdiffusion.metrics.InceptionScore} and {@link org.bitdiffusion.metrics.ManifoldScores}
 * (precision, recall, density, coverage) are of the same features. {@link
 * org.bitdiffusion.metrics.SymbolStatistics} and {@link
 * org.bitdiffusion.modality.image.NearestExamples} need no network. {@link
 * org.bitdiffusion.metrics.PairedDifferences} and {@link org.bitdiffusion.metrics.Holm} tell what
 * differences between measured runs are worth.
 */
package org.bitdiffusion.metrics;
