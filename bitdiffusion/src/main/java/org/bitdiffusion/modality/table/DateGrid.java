package org.bitdiffusion.modality.table;

import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.ResolverStyle;
import java.time.temporal.ChronoField;
import java.time.temporal.ChronoUnit;
import java.time.temporal.Temporal;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Dates and times of one pattern, at equal distances.
 *
 * @param format how they are written
 * @param first the least, in the format's smallest unit since 1970-01-01 00:00, or since midnight
 *     where there is no date
 * @param step from one to the next, in the same units
 * @param count how many
 */
record DateGrid(Format format, long first, long step, int count) implements Levels {
  DateGrid {
    Levels.requireGrid(first, step, count);
    try {
      format.text(first);
      format.text(first + step * (count - 1));
    } catch (DateTimeException | ArithmeticException e) {
      throw new IllegalArgumentException("a date is out of range: " + e.getMessage(), e);
    }
  }

  /**
   * A pattern of {@link DateTimeFormatter}, and the smallest unit in it.
   *
   * @param whole how what has no fraction of a second is written
   * @param hasDate whether there is a year
   * @param hasTime whether there is an hour
   */
  record Format(
      String pattern,
      DateTimeFormatter formatter,
      DateTimeFormatter whole,
      ChronoUnit unit,
      boolean hasDate,
      boolean hasTime) {
    /** A fraction of a second that is left out where it is 0. */
    private static final Pattern FRACTION = Pattern.compile("\\[\\.S+]");

    /**
     * @throws IllegalArgumentException if it is no pattern, or tells neither year nor hour
     */
    static Format of(String pattern) {
      var letters = pattern.replaceAll("'[^']*'", "");
      var hasDate = letters.contains("y") || letters.contains("u");
      var hasTime = letters.contains("H") || letters.contains("h");
      if (!hasDate && !hasTime) {
        throw new IllegalArgumentException("it tells neither a year (yyyy) nor an hour (HH)");
      }
      return new Format(
          pattern,
          formatter(pattern, letters),
          formatter(FRACTION.matcher(pattern).replaceAll(""), letters),
          unit(letters),
          hasDate,
          hasTime);
    }

    private static DateTimeFormatter formatter(String pattern, String letters) {
      var builder = new DateTimeFormatterBuilder().appendPattern(strict(pattern));
      if ((letters.contains("y") || letters.contains("u")) && !letters.contains("d")) {
        builder.parseDefaulting(ChronoField.DAY_OF_MONTH, 1);
        if (!letters.contains("M")) {
          builder.parseDefaulting(ChronoField.MONTH_OF_YEAR, 1);
        }
      }
      return builder.toFormatter(Locale.ENGLISH).withResolverStyle(ResolverStyle.STRICT);
    }

    private String text(Temporal value) {
      return (value.isSupported(ChronoField.NANO_OF_SECOND)
                  && value.get(ChronoField.NANO_OF_SECOND) == 0
              ? whole
              : formatter)
          .format(value);
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Format that && pattern.equals(that.pattern);
    }

    @Override
    public int hashCode() {
      return pattern.hashCode();
    }

    /** y is a year of an era, which a strict formatter wants to be told; u is a year. */
    private static String strict(String pattern) {
      var strict = new StringBuilder();
      var quoted = false;
      for (var letter : pattern.toCharArray()) {
        quoted ^= letter == '\'';
        strict.append(letter == 'y' && !quoted ? 'u' : letter);
      }
      return strict.toString();
    }

    private static ChronoUnit unit(String letters) {
      var fraction = letters.chars().filter(letter -> letter == 'S').count();
      if (fraction > 0) {
        return fraction <= 3
            ? ChronoUnit.MILLIS
            : fraction <= 6 ? ChronoUnit.MICROS : ChronoUnit.NANOS;
      }
      if (letters.contains("s")) {
        return ChronoUnit.SECONDS;
      }
      if (letters.contains("m")) {
        return ChronoUnit.MINUTES;
      }
      if (letters.contains("H") || letters.contains("h")) {
        return ChronoUnit.HOURS;
      }
      return letters.contains("d")
          ? ChronoUnit.DAYS
          : letters.contains("M") ? ChronoUnit.MONTHS : ChronoUnit.YEARS;
    }

    private Temporal epoch() {
      return hasDate
          ? hasTime ? LocalDate.EPOCH.atStartOfDay() : LocalDate.EPOCH
          : LocalTime.MIDNIGHT;
    }

    /** In units since the epoch; {@link Long#MIN_VALUE} of what is not written so. */
    long units(String cell) {
      try {
        Temporal value =
            hasDate
                ? hasTime ? LocalDateTime.parse(cell, formatter) : LocalDate.parse(cell, formatter)
                : LocalTime.parse(cell, formatter);
        return text(value).equals(cell) ? unit.between(epoch(), value) : Long.MIN_VALUE;
      } catch (DateTimeException | ArithmeticException e) {
        return Long.MIN_VALUE;
      }
    }

    String text(long units) {
      return text(epoch().plus(units, unit));
    }

    /** Days, or seconds where there is a time of day. */
    double number(long units) {
      var value = epoch().plus(units, unit);
      if (value instanceof LocalDate date) {
        return date.toEpochDay();
      }
      if (value instanceof LocalTime time) {
        return time.toNanoOfDay() / 1e9;
      }
      var instant = ((LocalDateTime) value).toInstant(ZoneOffset.UTC);
      return instant.getEpochSecond() + instant.getNano() / 1e9;
    }
  }

  private long units(int level) {
    return first + step * level;
  }

  @Override
  public int level(String cell) {
    var units = format.units(cell);
    if (units < first || units > units(count - 1) || (units - first) % step != 0) {
      return -1;
    }
    return (int) ((units - first) / step);
  }

  @Override
  public int nearest(String cell) {
    var units = format.units(cell);
    if (units == Long.MIN_VALUE) {
      return -1;
    }
    var within = Math.max(first, Math.min(units(count - 1), units));
    return (int) ((within - first + step / 2) / step);
  }

  @Override
  public String text(int level) {
    return format.text(units(level));
  }

  @Override
  public double number(int level) {
    return format.number(units(level));
  }

  @Override
  public double value(String cell) {
    var units = format.units(cell);
    return units == Long.MIN_VALUE ? Double.NaN : format.number(units);
  }
}
