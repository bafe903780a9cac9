/** Captions of images: as tokens, as text, and how good generated ones are. */
package org.bitdiffusion.modality.caption;
