/** All that is known of tables: files and databases, columns, rows. */
package org.bitdiffusion.modality.table;
