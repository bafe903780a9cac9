package org.bitdiffusion.modality.table;

import java.util.List;

/** Rows of texts, one after the other, of a file or a database. */
interface Rows extends AutoCloseable {
  /** What they are of, for messages. */
  String name();

  /** The names of the columns, each another. */
  List<String> names();

  /** The next row, with as many cells as there are names; null after the last. */
  String[] next();

  /** The line of the row that was read last, or its number where there are no lines. */
  int position();

  /** A position in words, such as {@code line 17}. */
  String where(int position);

  /** Between the fields of a line. */
  char separator();

  /** Whether the names are in the file. */
  boolean header();

  @Override
  void close();
}
