package org.bitdiffusion.modality.table;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.Registry;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.Marginal;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.data.Space;

/**
 * The columns of a table.
 *
 * @param all in the order of the file, each of another name
 * @param target the column that others are to foretell, if one was named
 * @param dropped names of columns of the file that are left out
 * @param separator between the fields of a line
 * @param header whether a file's first line has the names
 */
public record Columns(
    List<Column> all,
    Optional<String> target,
    List<String> dropped,
    char separator,
    boolean header) {
  /** In {@link Schema#details}: the name of the target, where there is one. */
  public static final String TARGET = "target";

  /**
   * @throws ConfigurationException if there is no such target, or nothing differs
   */
  public Columns {
    all = List.copyOf(all);
    dropped = List.copyOf(dropped);
    var names = new HashSet<String>();
    for (var column : all) {
      if (!names.add(column.name())) {
        throw new ConfigurationException("two columns are called '" + column.name() + "'");
      }
    }
    if (target.isPresent()) {
      var column = find(all, target.get());
      if (!column.kind().isPlace()) {
        throw new ConfigurationException(
            "target is '%s', which is %s: there is nothing to foretell"
                .formatted(
                    column.name(),
                    column.kind() == ColumnKind.CONSTANT
                        ? "the same in all rows"
                        : "another one in each row"));
      }
    }
    if (all.stream().noneMatch(column -> column.kind().isPlace())) {
      throw new ConfigurationException(
          "there is nothing to learn: "
              + (all.isEmpty()
                  ? "all columns are left out"
                  : all.size() == 1
                      ? "its column is %s".formatted(told(all.get(0)))
                      : "all %d columns are constant, empty or identifiers".formatted(all.size())));
    }
  }

  private static String told(Column column) {
    return column.kind() == ColumnKind.CONSTANT ? "the same in all rows" : "another in each row";
  }

  /** Those that are places of an example, in their order. */
  public List<Column> places() {
    return all.stream().filter(column -> column.kind().isPlace()).toList();
  }

  /**
   * The column of a name.
   *
   * @throws ConfigurationException if there is none; the message has the nearest name
   */
  public Column get(String name) {
    return find(all, name);
  }

  private static Column find(List<Column> all, String name) {
    return all.stream()
        .filter(column -> column.name().equals(name))
        .findFirst()
        .orElseThrow(() -> unknown(name, all.stream().map(Column::name).toList()));
  }

  /** What to say of a column that there is not. */
  static ConfigurationException unknown(String name, List<String> names) {
    var listed =
        names.size() <= 30 ? String.join(", ", names) : "%,d others".formatted(names.size());
    return new ConfigurationException(
        "there is no column '%s'; there are %s%s"
            .formatted(name, listed, Registry.didYouMean(name, names)));
  }

  /** The place of each column that is one, by name. */
  public Map<String, Integer> placesByName() {
    var places = places();
    var byName = new HashMap<String, Integer>();
    IntStream.range(0, places.size()).forEach(i -> byName.put(places.get(i).name(), i));
    return byName;
  }

  /**
   * What a run must remember: a row of as many symbols as there are places, and their marginals.
   */
  public Schema schema() {
    var places = places();
    List<Marginal> marginals = places.stream().map(Column::marginal).toList();
    var space =
        new Space(List.of(1, places.size()), places.stream().map(Column::categories).toList());
    Map<String, Object> details =
        target
            .<Map<String, Object>>map(
                t -> Map.of(TARGET, t, Schema.TARGET_PLACE, placesByName().get(t)))
            .orElse(Map.of());
    return new Schema(space, Condition.NONE, Schema.NO_END, details, marginals);
  }
}
