/**
 * How good synthetic rows of a table are, and filled gaps: arithmetic on arrays, of which none
 * knows where a table comes from.
 */
package org.bitdiffusion.metrics.table;
