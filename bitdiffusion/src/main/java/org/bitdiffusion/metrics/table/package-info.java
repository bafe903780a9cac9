/**
 * How good synthetic rows of a table are, and filled gaps: arithmetic on arrays, of which none
 * knows where a table comes from. {@link org.bitdiffusion.metrics.table.TableMeasures} takes all
 * measures of synthetic rows, {@link org.bitdiffusion.metrics.table.TableReport} shows them, {@link
 * org.bitdiffusion.metrics.table.Filling} is of filled gaps.
 */
package org.bitdiffusion.metrics.table;
