/**
 * Measures a run: {@link org.bitdiffusion.evaluation.ImageEvaluation} draws samples of it and
 * compares them by the {@link org.bitdiffusion.metrics} with {@link
 * org.bitdiffusion.evaluation.RealImages}.
 */
package org.bitdiffusion.evaluation;
