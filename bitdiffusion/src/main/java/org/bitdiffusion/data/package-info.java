/**
 * Where discrete data comes from, and where generated data goes. Nothing here knows of tensors.
 *
 * <p>A {@link org.bitdiffusion.data.DataSource} is a finite set of examples: each is an array of
 * symbols, whole numbers in {@code 0 .. K-1}, of one shape, with a class label or none. Training
 * needs no more than that interface, so own data is brought by implementing it. An {@link
 * org.bitdiffusion.data.ImageSource} adds the {@link org.bitdiffusion.data.ImageFormat} in which
 * symbols are painted: as grey levels, as levels of red, green and blue, or as colours of a
 * palette, whose numbers mean nothing by themselves.
 *
 * <p>The sources that come with the library are opened by {@link org.bitdiffusion.data.DataSources}
 * from one line, a {@link org.bitdiffusion.data.DataSpec}. They check all that can be checked when
 * they are opened and then yield only symbols in range; what is wrong with a file is said in one
 * line that names it ({@link org.bitdiffusion.DataException}).
 *
 * <p>{@link org.bitdiffusion.data.ImageGrid} writes symbols as PNG, {@link
 * org.bitdiffusion.data.Npy} as arrays for NumPy.
 */
package org.bitdiffusion.data;
