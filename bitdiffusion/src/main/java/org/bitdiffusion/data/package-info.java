/**
 * What discrete data is: nothing here knows of tensors, nor of any kind of data.
 *
 * <p>A {@link org.bitdiffusion.data.DataSource} is a finite set of examples: each is an array of
 * symbols, whole numbers, in the {@link org.bitdiffusion.data.Space} of the source, perhaps with a
 * {@link org.bitdiffusion.data.Condition}. Training needs no more than that interface, so own data
 * is brought by implementing it.
 *
 * <p>Sources that a user names are opened from one line, a {@link org.bitdiffusion.data.DataSpec},
 * by the {@link org.bitdiffusion.data.SourceKind} of its first word. They check all that can be
 * checked when they are opened and then yield only symbols in range; what is wrong with a file is
 * said in one line that names it ({@link org.bitdiffusion.DataException}).
 */
package org.bitdiffusion.data;
