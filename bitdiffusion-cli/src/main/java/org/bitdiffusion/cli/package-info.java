/** The command {@code bitdiff}. */
package org.bitdiffusion.cli;
