package org.bitdiffusion.modality.table;

import java.util.List;
import java.util.Optional;
import org.bitdiffusion.data.Marginal;

/**
 * What a column of a table holds, and which symbol stands for which cell: missing first, where
 * there is some, then numbers and dates by value, categories from the most frequent one on, ordered
 * categories in their order. Immutable.
 */
public final class Column {
  private final String name;
  private final ColumnKind kind;
  private final List<String> missingWords;
  private final boolean hasMissing;
  private final Levels levels;
  private final Marginal marginal;
  private final Optional<Identifiers> identifiers;

  /**
   * @param missingWords which cells mean missing; the first one is written
   * @param marginal of missing, if there is some, and the levels
   * @param identifiers of the kind {@link ColumnKind#IDENTIFIER}
   */
  Column(
      String name,
      ColumnKind kind,
      List<String> missingWords,
      boolean hasMissing,
      Levels levels,
      Marginal marginal,
      Optional<Identifiers> identifiers) {
    this.name = name;
    this.kind = kind;
    this.missingWords = List.copyOf(missingWords);
    this.hasMissing = hasMissing;
    this.levels = levels;
    this.marginal = marginal;
    this.identifiers = identifiers;
    if (kind != ColumnKind.IDENTIFIER
        && marginal.categories() != levels.count() + (hasMissing ? 1 : 0)) {
      throw new IllegalArgumentException("%s: %s of %d".formatted(name, marginal, levels.count()));
    }
  }

  public String name() {
    return name;
  }

  public ColumnKind kind() {
    return kind;
  }

  /** Number of symbols, K. Few of those of numbers may occur, see {@link #marginal}. */
  public int categories() {
    return marginal.categories();
  }

  /** How often each symbol occurs in the data. */
  public Marginal marginal() {
    return marginal;
  }

  /** The symbol that means missing, or -1 where the column has none. */
  public int missing() {
    return hasMissing ? 0 : -1;
  }

  /** Whether a cell means missing. */
  public boolean isMissing(String cell) {
    return missingWords.contains(cell);
  }

  /** The cells that mean missing, of which the first one is written. */
  public List<String> missingWords() {
    return missingWords;
  }

  /** How often a value is missing in the data. */
  public long missingCount() {
    return hasMissing ? marginal.count(0) : 0;
  }

  /** The symbol of a cell; -1 if the column does not have it, that is if it never occurs. */
  public int symbol(String cell) {
    return isMissing(cell) ? missing() : occurring(levels.level(cell));
  }

  private int occurring(int level) {
    if (level < 0) {
      return -1;
    }
    var symbol = level + missing() + 1;
    return marginal.count(marginal.segment(symbol)) > 0 ? symbol : -1;
  }

  /**
   * Like {@link #symbol}; of a number or date that the column does not have, that of the nearest
   * one that it has.
   */
  public int nearestSymbol(String cell) {
    var known = symbol(cell);
    if (known >= 0 || isMissing(cell) || !kind.isNumber()) {
      return known;
    }
    var level = levels.nearest(cell);
    if (level < 0) {
      return -1;
    }
    return nearestOccurring(level + missing() + 1);
  }

  /**
   * The symbol of the number or date, of those that occur, that is nearest to a {@link #number}.
   */
  public int nearestSymbol(double number) {
    var above = atLeast(number);
    var isNearerBelow =
        above > missing() + 1 && number - number(above - 1) < number(above) - number;
    return nearestOccurring(isNearerBelow ? above - 1 : above);
  }

  /** The first symbol of a number or date that is not below a {@link #number}, or else the last. */
  int atLeast(double number) {
    var low = missing() + 1;
    var high = categories() - 1;
    while (low < high) {
      var middle = (low + high) >>> 1;
      if (number(middle) < number) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private int nearestOccurring(int symbol) {
    var segment = marginal.segment(symbol);
    if (marginal.count(segment) > 0) {
      return symbol;
    }
    // Numbers that never occur lie between two that do.
    var below = marginal.start(segment) - 1;
    var above = marginal.start(segment + 1);
    return symbol - below <= above - symbol ? below : above;
  }

  /**
   * How a symbol is written.
   *
   * @param symbol of 0 .. K-1
   */
  public String text(int symbol) {
    return symbol == missing() ? missingWords.get(0) : levels.text(symbol - missing() - 1);
  }

  /**
   * A symbol as a number: of dates days since 1970, or seconds where there is a time of day; NaN of
   * missing and of words.
   */
  public double number(int symbol) {
    return symbol == missing() ? Double.NaN : levels.number(symbol - missing() - 1);
  }

  /** A new identifier, of the kind {@link ColumnKind#IDENTIFIER}: another one for each number. */
  public String identifier(long number) {
    return identifiers.orElseThrow().make(number);
  }

  /** Whether rows are written with this column, as all but some identifiers are. */
  public boolean isWritten() {
    return identifiers.map(Identifiers::isWritten).orElse(true);
  }

  Levels levels() {
    return levels;
  }

  Optional<Identifiers> identifiers() {
    return identifiers;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Column that
        && name.equals(that.name)
        && kind == that.kind
        && missingWords.equals(that.missingWords)
        && hasMissing == that.hasMissing
        && levels.equals(that.levels)
        && marginal.equals(that.marginal)
        && identifiers.equals(that.identifiers);
  }

  @Override
  public int hashCode() {
    return 31 * name.hashCode() + marginal.hashCode();
  }

  @Override
  public String toString() {
    return "%s: %s, %s".formatted(name, kind.text(), marginal);
  }
}
