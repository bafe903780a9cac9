package org.bitdiffusion.modality.table;

import java.util.List;
import java.util.Optional;

/**
 * What a user says of a column; all else is inferred.
 *
 * @param kind of its values
 * @param values of an ordered category, in their order
 * @param missing which cells mean missing, besides empty ones
 * @param pattern of dates, as of {@link java.time.format.DateTimeFormatter}
 * @param identifiers how new ones are written, see {@link Identifiers#pattern}
 */
record Choice(
    Optional<ColumnKind> kind,
    List<String> values,
    Optional<List<String>> missing,
    Optional<String> pattern,
    Optional<String> identifiers) {
  static final Choice NONE =
      new Choice(Optional.empty(), List.of(), Optional.empty(), Optional.empty(), Optional.empty());
}
