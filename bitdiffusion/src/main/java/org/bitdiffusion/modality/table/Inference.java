package org.bitdiffusion.modality.table;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.bitdiffusion.data.Marginal;

/** What a column holds, told from its different cells and how often each occurs. */
final class Inference {
  /** Rows that a column of different words has at least if they are taken for identifiers. */
  private static final int LEAST_IDENTIFIERS = 50;

  private static final Pattern IDENTIFIER =
      Pattern.compile("(?i)(?:.*[_\\s.-])?(?:id|uuid|guid|key)|.*[a-z]I[Dd]");
  private static final Pattern UUID =
      Pattern.compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
  private static final Pattern NUMBERED = Pattern.compile("(.*?)([0-9]{1,17})([^0-9]*)");

  /**
   * Of those that fit all cells, the first is taken; where day and month may be either, pandas'.
   */
  private static final List<String> PATTERNS =
      patterns(
          List.of(
              "yyyy-MM-dd",
              "yyyy/MM/dd",
              "dd.MM.yyyy",
              "MM/dd/yyyy",
              "dd/MM/yyyy",
              "MM-dd-yyyy",
              "dd-MM-yyyy",
              "dd-MMM-yyyy",
              "dd MMM yyyy",
              "M/d/yyyy",
              "d/M/yyyy",
              "d.M.yyyy",
              "yyyy-MM"),
          List.of(
              "HH:mm",
              "HH:mm:ss",
              "HH:mm:ss.S",
              "HH:mm:ss.SSS",
              "HH:mm:ss.SSSSSS",
              "HH:mm:ss[.SSS]",
              "HH:mm:ss[.SSSSSS]",
              "H:mm",
              "hh:mm:ss a",
              "hh:mm a",
              "h:mm a"));

  /** Pairs of no and yes. */
  private static final List<List<String>> BOOLEANS =
      List.of(
          List.of("false", "true"),
          List.of("no", "yes"),
          List.of("n", "y"),
          List.of("f", "t"),
          List.of("off", "on"),
          List.of("0", "1"));

  private final String name;
  private final Cells cells;
  private final long[] occurrences;
  private final Choice choice;
  private final Set<String> missingWords;
  private final boolean commas;

  /** Numbers of the cells that are there and not missing. */
  private final int[] present;

  private final long missing;
  private final long rows;

  private Inference(
      String name,
      Cells cells,
      long[] occurrences,
      Choice choice,
      List<String> missing,
      boolean commas) {
    this.name = name;
    this.cells = cells;
    this.occurrences = occurrences;
    this.choice = choice;
    this.commas = commas;
    missingWords = Missing.words(choice.missing().orElse(missing));
    var isMissing = new boolean[cells.size()];
    missingWords.stream()
        .mapToInt(cells::known)
        .filter(i -> i >= 0)
        .forEach(i -> isMissing[i] = true);
    present =
        IntStream.range(0, cells.size()).filter(i -> occurrences[i] > 0 && !isMissing[i]).toArray();
    rows = Arrays.stream(occurrences).sum();
    this.missing = rows - Arrays.stream(present).mapToLong(i -> occurrences[i]).sum();
  }

  /**
   * The column.
   *
   * @param occurrences of each cell; some may have none
   * @param choice of the user
   * @param missing which cells mean missing, where the user does not say it for this column
   * @param commas whether decimals may be behind a comma
   * @throws BadCell if one is not of the kind that the user chose
   */
  static Column column(
      String name,
      Cells cells,
      long[] occurrences,
      Choice choice,
      List<String> missing,
      boolean commas) {
    return new Inference(name, cells, occurrences, choice, missing, commas).column();
  }

  private Column column() {
    if (choice.kind().isPresent()) {
      return chosen(choice.kind().get());
    }
    if (present.length == 0 || present.length == 1 && missing == 0) {
      return constant();
    }
    var sign = sign();
    if (isIdentifier(sign)) {
      return identifier();
    }
    if (choice.pattern().isPresent()) {
      return dates(DateGrid.Format.of(choice.pattern().get()));
    }
    var booleans = booleans();
    if (booleans.isPresent()) {
      return words(ColumnKind.BOOLEAN, booleans.get());
    }
    if (sign.isPresent()) {
      return numbers(sign.get());
    }
    var format = format();
    return format.isPresent() ? dates(format.get()) : words(ColumnKind.CATEGORY, byFrequency());
  }

  private Column chosen(ColumnKind kind) {
    switch (kind) {
      case CONSTANT:
        if (present.length > 1 || present.length == 1 && missing > 0) {
          throw new BadCell(present[present.length - 1], "'%s' is a second value of a constant");
        }
        return constant();
      case IDENTIFIER:
        return identifier();
      case BOOLEAN:
        if (present.length > 2) {
          throw new BadCell(present[2], "'%s' is a third value of a yes or no");
        }
        return words(
            kind, !choice.values().isEmpty() ? ordered() : booleans().orElse(byFrequency()));
      case ORDERED:
        return words(kind, ordered());
      case CATEGORY:
        return words(kind, byFrequency());
      case DATETIME:
        return dates(choice.pattern().map(DateGrid.Format::of).orElseGet(this::guessed));
      default:
        var sign = sign();
        if (sign.isEmpty()) {
          throw new BadCell(firstWithoutNumber(), "'%s' is no number");
        }
        var column = numbers(sign.get());
        if (kind == ColumnKind.INTEGER && column.kind() != kind) {
          throw new BadCell(firstWithDecimals(sign.get()), "'%s' is no whole number");
        }
        return column;
    }
  }

  /** Which cell means missing in the file, of all that do. */
  private List<String> missingWords() {
    var written = "";
    var most = 0L;
    for (var word : missingWords) {
      var i = cells.known(word);
      if (i >= 0 && occurrences[i] > most) {
        most = occurrences[i];
        written = word;
      }
    }
    return Missing.writtenFirst(missingWords, written);
  }

  private Column column(ColumnKind kind, Levels levels, Marginal marginal) {
    return new Column(name, kind, missingWords(), missing > 0, levels, marginal, Optional.empty());
  }

  private Column constant() {
    var words =
        Words.of(Arrays.stream(present).mapToObj(cells::text).toList()); // one, or none of missing
    return column(ColumnKind.CONSTANT, words, Marginal.of(Math.max(1, rows)));
  }

  // ---------------------------------------------------------------- identifiers

  private boolean isIdentifier(Optional<Character> sign) {
    if (missing > 0 || present.length < rows || rows < 2) {
      return false;
    }
    if (sign.isEmpty()) {
      return rows >= LEAST_IDENTIFIERS && format().isEmpty();
    }
    var values = Arrays.stream(present).mapToObj(i -> cells.decimal(i, sign.get())).toList();
    if (values.stream().anyMatch(v -> v.scale() != 0)) {
      return false;
    }
    var least = values.stream().min(Comparator.naturalOrder()).orElseThrow();
    var most = values.stream().max(Comparator.naturalOrder()).orElseThrow();
    var isNumbering =
        rows >= LEAST_IDENTIFIERS
            && most.subtract(least).equals(BigDecimal.valueOf(rows - 1)); // 1 to the last
    return isNumbering || IDENTIFIER.matcher(name).matches();
  }

  private Column identifier() {
    var identifiers = choice.identifiers().map(this::identifiers).orElseGet(this::identifiers);
    return new Column(
        name,
        ColumnKind.IDENTIFIER,
        missingWords(),
        false,
        Words.of(List.of()),
        Marginal.uniform(1),
        Optional.of(identifiers));
  }

  /** Of a pattern that the user gives. */
  private Identifiers identifiers(String pattern) {
    var own = identifiers();
    return new Identifiers(pattern, own.next());
  }

  /** As those of the data, where these are numbered in one way. */
  private Identifiers identifiers() {
    if (present.length == 0) {
      return new Identifiers("{n}", 1);
    }
    if (Arrays.stream(present).allMatch(i -> UUID.matcher(cells.text(i)).matches())) {
      return new Identifiers("{uuid}", rows);
    }
    String before = null;
    String after = null;
    var digits = Integer.MAX_VALUE;
    var most = 0L;
    for (var i : present) {
      var matcher = NUMBERED.matcher(cells.text(i));
      if (!matcher.matches()
          || before != null && !(before.equals(matcher.group(1)) && after.equals(matcher.group(3)))
          || matcher.group(1).contains("{")
          || matcher.group(3).contains("{")) {
        return new Identifiers(name.replace("{", "") + "-{n}", rows + 1);
      }
      before = matcher.group(1);
      after = matcher.group(3);
      digits = Math.min(digits, matcher.group(2).length());
      most = Math.max(most, Long.parseLong(matcher.group(2)));
    }
    return new Identifiers("%s{%sn}%s".formatted(before, "0".repeat(digits - 1), after), most + 1);
  }

  // ---------------------------------------------------------------- words

  private Optional<List<String>> booleans() {
    if (present.length < 1 || present.length > 2) {
      return Optional.empty();
    }
    var texts = Arrays.stream(present).mapToObj(cells::text).toList();
    for (var pair : BOOLEANS) {
      var lower = texts.stream().map(t -> t.toLowerCase(Locale.ROOT)).toList();
      if (texts.size() == 2 && lower.contains(pair.get(0)) && lower.contains(pair.get(1))) {
        return Optional.of(
            lower.get(0).equals(pair.get(0)) ? texts : List.of(texts.get(1), texts.get(0)));
      }
    }
    return Optional.empty();
  }

  private List<String> byFrequency() {
    return Arrays.stream(present)
        .boxed()
        .sorted(
            Comparator.<Integer>comparingLong(i -> -occurrences[i])
                .thenComparing(i -> cells.text(i)))
        .map(cells::text)
        .toList();
  }

  private List<String> ordered() {
    var order = choice.values();
    if (order.isEmpty()) {
      return byFrequency();
    }
    var known = Set.copyOf(order);
    for (var i : present) {
      if (!known.contains(cells.text(i))) {
        throw new BadCell(i, "'%s' is none of its values, which are given in an order");
      }
    }
    var occurring = new HashMap<String, Integer>();
    for (var i : present) {
      occurring.put(cells.text(i), i);
    }
    return order.stream().filter(occurring::containsKey).toList(); // no sample has another
  }

  private Column words(ColumnKind kind, List<String> words) {
    var counts = new LinkedHashMap<String, Long>();
    words.forEach(word -> counts.put(word, 0L));
    for (var i : present) {
      counts.put(cells.text(i), occurrences[i]);
    }
    return column(kind, Words.of(words), marginal(missing, List.copyOf(counts.values())));
  }

  /**
   * The marginal of words; neighbours that are as frequent are one segment.
   *
   * @param missing how often; 0 where no symbol means it
   */
  static Marginal marginal(long missing, List<Long> counts) {
    var offset = missing > 0 ? 1 : 0;
    var starts = new int[counts.size() + offset];
    var sums = new long[starts.length];
    var segments = 0;
    if (missing > 0) {
      sums[0] = missing;
      segments = 1;
    }
    for (var i = 0; i < counts.size(); i++) {
      if (i > 0 && counts.get(i).equals(counts.get(i - 1))) {
        sums[segments - 1] += counts.get(i);
      } else {
        starts[segments] = i + offset;
        sums[segments] = counts.get(i);
        segments++;
      }
    }
    return Marginal.of(
        counts.size() + offset, Arrays.copyOf(starts, segments), Arrays.copyOf(sums, segments));
  }

  // ---------------------------------------------------------------- numbers

  /** What decimals are behind, if all cells are numbers. */
  private Optional<Character> sign() {
    for (var sign : commas ? List.of('.', ',') : List.of('.')) {
      if (Arrays.stream(present).allMatch(i -> cells.decimal(i, sign) != null)) {
        return Optional.of(sign);
      }
    }
    return Optional.empty();
  }

  private int firstWithoutNumber() {
    var signs = commas ? List.of('.', ',') : List.of('.');
    return Arrays.stream(present)
        .filter(i -> signs.stream().allMatch(sign -> cells.decimal(i, sign) == null))
        .findFirst()
        .orElse(present[0]); // or they have different signs
  }

  private int firstWithDecimals(char sign) {
    return Arrays.stream(present)
        .filter(i -> cells.decimal(i, sign).scale() > 0)
        .findFirst()
        .orElse(present[0]);
  }

  private Column numbers(char sign) {
    var decimals = 0;
    var fewest = Integer.MAX_VALUE; // decimals that are always written
    BigDecimal least = null;
    BigDecimal most = null;
    for (var i : present) {
      var value = cells.decimal(i, sign);
      decimals = Math.max(decimals, value.scale());
      fewest = Math.min(fewest, value.scale());
      least = least == null ? value : least.min(value);
      most = most == null ? value : most.max(value);
    }
    var kind = decimals == 0 ? ColumnKind.INTEGER : ColumnKind.DECIMAL;
    return grid(kind, least, most, decimals, Math.max(0, fewest), sign)
        .orElseGet(() -> floats(kind, sign));
  }

  private Optional<Column> grid(
      ColumnKind kind, BigDecimal least, BigDecimal most, int decimals, int fewest, char sign) {
    var first = least.movePointRight(decimals).toBigInteger();
    var last = most.movePointRight(decimals).toBigInteger();
    if (first.bitLength() > 61 || last.bitLength() > 61) {
      return Optional.empty();
    }
    var units = new long[present.length];
    var step = BigInteger.ZERO;
    for (var i = 0; i < present.length; i++) {
      var value = cells.decimal(present[i], sign).movePointRight(decimals).toBigInteger();
      units[i] = value.subtract(first).longValueExact();
      if (step.equals(BigInteger.ONE)) {
        continue; // as soon as it is
      }
      step = step.gcd(BigInteger.valueOf(units[i]));
    }
    var distance = Math.max(1, step.longValueExact());
    var count = last.subtract(first).longValueExact() / distance + 1;
    if (count > Levels.MOST) {
      return Optional.empty();
    }
    var levels = new int[present.length];
    for (var i = 0; i < levels.length; i++) {
      levels[i] = (int) (units[i] / distance);
    }
    var grid =
        new NumberGrid(first.longValueExact(), distance, (int) count, decimals, fewest, sign);
    return Optional.of(column(kind, grid, marginal(grid, levels)));
  }

  private Column floats(ColumnKind kind, char sign) {
    var keys = new int[present.length];
    var decimals = 0;
    for (var i = 0; i < keys.length; i++) {
      var value = cells.decimal(present[i], sign);
      keys[i] = FloatLevels.key(value);
      decimals = Math.max(decimals, value.stripTrailingZeros().scale());
    }
    var first = Arrays.stream(keys).min().orElseThrow();
    var range = (long) Arrays.stream(keys).max().orElseThrow() - first;
    var shift = 0;
    while ((range >> shift) + 1 > Levels.MOST) {
      shift++;
    }
    var levels = new int[keys.length];
    for (var i = 0; i < keys.length; i++) {
      levels[i] = (int) (((long) keys[i] - first) >> shift);
    }
    var count = (int) (range >> shift) + 1;
    var plain = new FloatLevels(first, count, shift, decimals, Map.of(), sign);
    var exact = new HashMap<Integer, String>();
    var most = new HashMap<Integer, Long>();
    for (var i = 0; i < levels.length; i++) {
      var isEnd = levels[i] == 0 || levels[i] == count - 1; // so that nothing is beyond
      if ((occurrences[present[i]] > 1 || isEnd)
          && occurrences[present[i]] > most.getOrDefault(levels[i], 0L)) {
        most.put(levels[i], occurrences[present[i]]);
        exact.put(levels[i], cells.text(present[i]));
      }
    }
    exact.entrySet().removeIf(entry -> entry.getValue().equals(plain.text(entry.getKey())));
    var floats = new FloatLevels(first, count, shift, decimals, exact, sign);
    return column(kind, floats, marginal(floats, levels));
  }

  // ---------------------------------------------------------------- dates

  private static List<String> patterns(List<String> dates, List<String> times) {
    var all = new ArrayList<>(dates);
    all.addAll(times);
    for (var date : dates.subList(0, dates.size() - 1)) { // a month has no time of day
      for (var time : times) {
        all.add(date + " " + time);
      }
    }
    for (var time : times.subList(0, 7)) {
      all.add("yyyy-MM-dd'T'" + time);
      all.add("yyyy-MM-dd'T'" + time + "'Z'");
    }
    return List.copyOf(all);
  }

  private Optional<DateGrid.Format> format() {
    if (present.length == 0 || !looksLikeDate(cells.text(present[0]))) {
      return Optional.empty();
    }
    for (var pattern : PATTERNS) {
      var format = DateGrid.Format.of(pattern);
      if (Arrays.stream(present).allMatch(i -> format.units(cells.text(i)) != Long.MIN_VALUE)) {
        return Optional.of(format);
      }
    }
    return Optional.empty();
  }

  private static boolean looksLikeDate(String cell) {
    return cell.length() >= 4
        && cell.length() <= 40
        && cell.chars().filter(c -> c >= '0' && c <= '9').count() >= 3
        && cell.chars().anyMatch(c -> "-/.: ".indexOf(c) >= 0);
  }

  private DateGrid.Format guessed() {
    return format()
        .orElseThrow(
            () ->
                new BadCell(
                    present.length == 0 ? 0 : present[0],
                    "'%s' and all others are dates of no usual pattern; give it as pattern"));
  }

  private Column dates(DateGrid.Format format) {
    var units = new long[present.length];
    for (var i = 0; i < units.length; i++) {
      units[i] = format.units(cells.text(present[i]));
      if (units[i] == Long.MIN_VALUE) {
        throw new BadCell(present[i], "'%s' is no date of the pattern " + format.pattern());
      }
    }
    if (units.length == 0) {
      return constant();
    }
    var first = Arrays.stream(units).min().orElseThrow();
    var range = Arrays.stream(units).max().orElseThrow() - first;
    var step = BigInteger.ZERO;
    for (var value : units) {
      step = step.gcd(BigInteger.valueOf(value - first));
    }
    var distance = Math.max(1, step.longValueExact());
    if (range / distance >= Levels.MOST) {
      distance = range / Levels.MOST + 1; // too fine for so many levels: neighbours share one
    }
    var levels = new int[units.length];
    for (var i = 0; i < levels.length; i++) {
      levels[i] = (int) ((units[i] - first) / distance);
    }
    var grid = new DateGrid(format, first, distance, (int) (range / distance) + 1);
    return column(ColumnKind.DATETIME, grid, marginal(grid, levels));
  }

  /** Of numbers and dates, whose cells may mean the same level. */
  private Marginal marginal(Levels of, int[] levels) {
    var order =
        IntStream.range(0, levels.length)
            .boxed()
            .sorted(Comparator.comparingInt(i -> levels[i]))
            .mapToInt(i -> i)
            .toArray();
    var different = new int[levels.length];
    var counts = new long[levels.length];
    var count = 0;
    for (var i : order) {
      if (count == 0 || different[count - 1] != levels[i]) {
        different[count++] = levels[i];
      }
      counts[count - 1] += occurrences[present[i]];
    }
    return Spread.of(
        of.count(),
        Arrays.copyOf(different, count),
        Arrays.copyOf(counts, count),
        missing > 0,
        missing);
  }
}
