/**
 * Files that are whole whenever they are there, and the formats of arrays and pictures. Knows
 * nothing of this project's data.
 */
package org.bitdiffusion.io;
