/** Images: where they come from, how they are painted, and how good generated ones are. */
package org.bitdiffusion.modality.image;
