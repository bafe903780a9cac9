package org.bitdiffusion;

/** One of several answers to a question, known by the name that a user writes. */
public interface Named {
  /** In lower case, such as {@code ddim}; it may stand in files for years, so it never changes. */
  String name();
}
