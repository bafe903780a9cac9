package org.bitdiffusion.modality.table;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What is wanted of a table.
 *
 * @param drop columns to leave out
 * @param target the column that others are to foretell
 * @param missing which cells mean missing, besides empty ones
 * @param choices of columns by name; empty where all is inferred
 * @param part which rows
 * @param unseen what becomes of values that given columns do not have
 */
record Reading(
    List<String> drop,
    Optional<String> target,
    List<String> missing,
    Map<String, Choice> choices,
    Part part,
    Unseen unseen) {
  static final Reading ALL =
      new Reading(List.of(), Optional.empty(), Missing.USUAL, Map.of(), Part.WHOLE, Unseen.STOP);

  /** This with what a user says in a file; the options win. */
  Reading with(ColumnsFile.Said said) {
    var all = new ArrayList<>(drop);
    said.dropped().stream().filter(name -> !all.contains(name)).forEach(all::add);
    return new Reading(all, target.or(said::target), missing, said.choices(), part, unseen);
  }

  /** This, where nothing is said of values that columns do not have, with something else. */
  Reading orUnseen(Unseen other) {
    return unseen == Unseen.STOP ? new Reading(drop, target, missing, choices, part, other) : this;
  }

  /** What becomes of a value that the columns of a run do not have. */
  enum Unseen {
    /** It is an error. */
    STOP,
    /** Of a number or date the nearest one is taken; another value is an error. */
    NEAREST,
    /** It counts as missing, in a column that has missing values. */
    MISSING,
    /** Its row is left out. */
    SKIP,
    /** Of a number or date the nearest one is taken; a row with another such value is left out. */
    NEAREST_OR_SKIP
  }

  /**
   * Some of the rows.
   *
   * @param column that says to which part a row belongs; empty where it is drawn
   * @param value of that column
   * @param test whether those are wanted that were drawn to be tested on
   * @param share of rows that are tested on; 0 for all rows
   * @param seed of the draw
   */
  record Part(Optional<String> column, String value, boolean test, double share, long seed) {
    static final Part WHOLE = new Part(Optional.empty(), "", false, 0, 0);
  }
}
