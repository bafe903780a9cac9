/** Kinds of data: the interfaces of what is known of one, and what serves all of them. */
package org.bitdiffusion.modality;
