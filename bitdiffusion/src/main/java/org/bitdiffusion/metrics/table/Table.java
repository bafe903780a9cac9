package org.bitdiffusion.metrics.table;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;
import org.bitdiffusion.metrics.table.Values.Categories;

/**
 * Rows of a table, as measures see them: columns of equal length.
 *
 * @param names of the columns
 * @param columns one for each name
 */
public record Table(List<String> names, List<? extends Values> columns) {
  /**
   * @throws DataException if there is no column, if names and columns differ in number, or columns
   *     in length
   */
  public Table {
    names = List.copyOf(names);
    columns = List.copyOf(columns);
    if (columns.isEmpty()) {
      throw new DataException("a table without columns cannot be measured");
    }
    if (names.size() != columns.size()) {
      throw new DataException(
          "there are %d names for %d columns".formatted(names.size(), columns.size()));
    }
    for (var i = 1; i < columns.size(); i++) {
      if (columns.get(i).rows() != columns.get(0).rows()) {
        throw new DataException(
            "column \"%s\" has %d rows, and column \"%s\" %d"
                .formatted(
                    names.get(i), columns.get(i).rows(), names.get(0), columns.get(0).rows()));
      }
    }
  }

  /** How many rows there are. */
  public int rows() {
    return columns.get(0).rows();
  }

  /** A column by its place. */
  public Values column(int index) {
    return columns.get(index);
  }

  /**
   * The place of a column.
   *
   * @throws DataException if there is none of this name
   */
  public int indexOf(String name) {
    var index = names.indexOf(name);
    if (index < 0) {
      throw new DataException(
          "there is no column \"%s\"; there are %s".formatted(name, String.join(", ", names)));
    }
    return index;
  }

  /**
   * Some rows.
   *
   * @param rows which, in their order; a row may come more than once
   */
  public Table take(int... rows) {
    return new Table(names, columns.stream().map(column -> column.take(rows)).toList());
  }

  /** The first rows, or all where there are not as many. */
  public Table first(int count) {
    return count >= rows() ? this : take(IntStream.range(0, count).toArray());
  }

  /** The same rows with another column in a place. */
  public Table with(int index, Values column) {
    var changed = new ArrayList<Values>(columns);
    changed.set(index, column);
    return new Table(names, changed);
  }

  /** The same rows without a column. */
  public Table without(int index) {
    var fewerNames = new ArrayList<>(names);
    fewerNames.remove(index);
    var fewer = new ArrayList<Values>(columns);
    fewer.remove(index);
    return new Table(fewerNames, fewer);
  }

  /**
   * These rows and below them those of another table.
   *
   * @throws DataException if the columns are not alike
   */
  public Table and(Table other) {
    requireSameColumns(other);
    return new Table(
        names,
        IntStream.range(0, columns.size())
            .mapToObj(i -> joined(columns.get(i), other.columns.get(i)))
            .toList());
  }

  private static Values joined(Values one, Values other) {
    if (one instanceof Values.Numbers numbers) {
      var more = ((Values.Numbers) other).values();
      var all = Arrays.copyOf(numbers.values(), one.rows() + other.rows());
      System.arraycopy(more, 0, all, one.rows(), more.length);
      return new Values.Numbers(all);
    }
    var categories = (Categories) one;
    var more = ((Categories) other).codes();
    var all = Arrays.copyOf(categories.codes(), one.rows() + other.rows());
    System.arraycopy(more, 0, all, one.rows(), more.length);
    return new Categories(all, categories.count());
  }

  /**
   * Complains where another table cannot be compared with this one.
   *
   * @throws DataException if names, kinds of columns or numbers of categories differ
   */
  void requireSameColumns(Table other) {
    if (!names.equals(other.names)) {
      throw new DataException(
          "tables with the columns %s and %s cannot be compared".formatted(names, other.names));
    }
    for (var i = 0; i < columns.size(); i++) {
      if (!Objects.equals(kind(columns.get(i)), kind(other.columns.get(i)))) {
        throw new DataException(
            "column \"%s\" has %s in one table and %s in the other"
                .formatted(names.get(i), kind(columns.get(i)), kind(other.columns.get(i))));
      }
    }
  }

  private static String kind(Values column) {
    return column instanceof Categories categories ? categories.count() + " categories" : "numbers";
  }

  /**
   * Complains where there are not enough rows for a measure.
   *
   * @throws DataException if there are less
   */
  void requireRows(int fewest, String measure) {
    if (rows() < fewest) {
      throw new DataException(
          "%s needs %d rows at least, and there are %d".formatted(measure, fewest, rows()));
    }
  }
}
