/**
 * Networks with all that is needed to train them and to draw from them, divided by how they learn.
 */
package org.bitdiffusion.model;
