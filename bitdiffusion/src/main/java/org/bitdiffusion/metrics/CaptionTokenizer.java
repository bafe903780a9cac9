package org.bitdiffusion.metrics;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Splits captions into tokens as the COCO caption evaluation does: by the rules of Stanford's
 * PTBTokenizer 3.4.1 with {@code -preserveLines -lowerCase}, from whose tokens punctuation is then
 * removed. The rules here were found by observing what that program makes of many captions.
 *
 * <p>Done:
 *
 * <ul>
 *   <li>All is lower case. Quotes, commas, colons, semicolons, dots, ellipses, dashes, hyphens that
 *       stand alone, and single question and exclamation marks are removed, plain or typographic.
 *       Several question or exclamation marks in a row are one token that stays: {@code ?!}.
 *   <li>Contractions and possessives are split: {@code do n't}, {@code it 's}, {@code they 're},
 *       {@code can not}, {@code gon na}, {@code 't is}; {@code dogs'} loses its apostrophe. The
 *       apostrophe within a word like {@code o'clock} or {@code ma'am}, and that of {@code '50s},
 *       stay.
 *   <li>Brackets become {@code -lrb- -rrb- -lsb- -rsb- -lcb- -rcb-}, and these stay: the
 *       evaluation's list of punctuation has them in capitals, so it never matches what was put in
 *       lower case. This class does what that evaluation does, not what it may have been meant to.
 *   <li>Words with hyphens, with one or two slashes, and with dots between letters are whole:
 *       {@code black-and-white}, {@code and/or}, {@code example.com}.
 *   <li>Initials and common abbreviations keep their dot: {@code u.s.}, {@code p.m.}, {@code mr.},
 *       {@code st.}; so do {@code no.}, {@code p.} and their like before a number, and any word
 *       before a comma. A single letter keeps it unless it ends a sentence.
 *   <li>Numbers are whole: {@code 1,000}, {@code 3.5}, {@code 10:30}, {@code 1/2}, {@code -5}.
 *       Other signs, such as {@code $}, {@code %} and {@code &}, are tokens of their own; {@code £}
 *       is written {@code #}, {@code €} {@code $}, {@code ¢} {@code cents} and {@code ½} {@code
 *       1/2}.
 *   <li>Web and mail addresses, {@code #words}, {@code @names} and common smileys are whole. Emoji
 *       and other characters beyond the basic plane are dropped.
 * </ul>
 *
 * <p>Not done: telephone numbers, tags of HTML and fractions after a whole number ({@code 1 1/2})
 * are not joined across blanks; of HTML's entities only {@code &amp; &lt; &gt; &quot; &nbsp;} are
 * known; heaps of signs without a blank between may be split at other places. That program looks
 * from the end of a caption at the next one in its file; here a caption never depends on another.
 */
public final class CaptionTokenizer {
  /** Words that are split though nothing in them shows where. */
  private static final Map<String, List<String>> TWO_WORDS =
      Map.of(
          "cannot", List.of("can", "not"),
          "gonna", List.of("gon", "na"),
          "gotta", List.of("got", "ta"),
          "lemme", List.of("lem", "me"),
          "gimme", List.of("gim", "me"),
          "wanna", List.of("wan", "na"));

  private static final Map<String, String> BRACKETS =
      Map.of("(", "-lrb-", ")", "-rrb-", "[", "-lsb-", "]", "-rsb-", "{", "-lcb-", "}", "-rcb-");

  private static final Map<String, String> SYMBOLS =
      Map.of(
          "£", "#", "€", "$", "¢", "cents", "½", "1/2", "¼", "1/4", "¾", "3/4", "⅓", "1/3", "⅔",
          "2/3");

  private static final Map<String, String> ENTITIES =
      Map.of("&amp;", "&", "&lt;", "<", "&gt;", ">", "&quot;", "\"", "&nbsp;", " ");

  /** Words of two or more letters that keep a dot. */
  private static final String ABBREVIATIONS =
      "(?:"
          + String.join(
              "|",
              """
              adj adm adv al ala alex apr ariz assn assoc asst atty attys aug ave bhd bldg
              blvd brig bros calif capt cf cie cmdr co col colo comdr conn corp cos cpl ct dak dec
              dept det dr drs elec ens esq est etc ext feb fla fri ft ga gen gov govs hon
              inc ind insp intl invt jan jos jr jul jun kan kans ky lt ltd maj mar md messrs
              mfg mich minn mlle mme mo mon mont mr mrs ms msgr mt mtg natl neb nev nov oct
              okla penn pfc ph plc ppte ppty pres prof profs pte ptes pty ptys pvt rd rep
              reps rev rt sen sens sep sept seq sfc sgt spc sq sr st ste supt sys tel tenn
              thu thurs tue tues univ va vs vt wed wis wisc wm wyo
              """
                  .strip()
                  .split("\\s+"))
          + ")";

  private static final String LETTER = "[\\p{L}\\p{M}]";
  private static final String SIGN = "[\\p{L}\\p{M}\\p{Nd}]"; // of which words are made
  private static final String END = "(?!" + SIGN + ")";
  private static final String HYPHENATED = "%s+(?:[-_\u2010\u2011]%s+){0,99}".formatted(SIGN, SIGN);

  /**
   * What a token is, tried from the first to the last. Groups repeat at most 99 times, as Java's
   * expressions call themselves for each time and would overflow the stack on long nonsense.
   */
  private static final Pattern TOKEN =
      Pattern.compile(
          String.join(
              "|",
              // addresses, tags of HTML, smileys
              "(?:https?://|www\\.)\\S*[\\p{L}\\p{Nd}/]",
              SIGN + "[\\w.+-]*@[\\w-]+(?:\\.[\\w-]+){0,99}",
              "</?[a-z][a-z0-9]*/?>",
              "[:;=]-?[()\\[\\]|\\\\dp]" + END,
              // a dot before another sign of a pause is taken for an abbreviation's
              HYPHENATED + "\\.(?=[,;:])",
              // what is split in two
              "(?:" + String.join("|", TWO_WORDS.keySet()) + ")(?!['_/-]?" + SIGN + ")",
              // what begins with an apostrophe, and what comes before n't
              "''|'n'",
              "(?:n't|'(?:s|m|d|re|ve|ll|n|em|till?|cause))" + END,
              "'\\d\\ds" + END + "|'\\d\\d(?![\\p{L}\\p{Nd}\"])",
              "'t(?=(?:is|was)(?:n't)?" + END + ")",
              LETTER + "*[\\p{L}&&[^n]](?=n't" + END + ")",
              // an apostrophe that stays: ma'am, o'clock, d'oh, y' all
              "y'(?=" + LETTER + ")",
              LETTER + "*[aeiouy]'[aeiou]" + LETTER + "+|hawai'i",
              "[dlno]'(?!(?:re|ve|ll)" + END + ")" + LETTER + "{2,}",
              "qu'[aeiou]" + LETTER + "+|c'mon|c'est|s'mores",
              "ol'|[djl]'(?!(?:[smdn]|re|ve|ll)" + END + ")",
              // dots that stay
              "(?:\\p{L}\\.){1,99}-(?:\\p{L}\\.){1,99}|(?:(?:\\p{L}\\.){1,99}|%s+\\.)(?:-%s+){1,99}"
                  .formatted(SIGN, SIGN),
              "ph\\.d\\.|(?:\\p{L}\\.){2,99}(?!\\p{L})",
              "\\p{L}\\.(?!\\p{L}|\\s*$|\\s+(?-iu:An?|The|One|Two)\\s)",
              LETTER + "+[!?]" + LETTER + "+",
              "\\p{L}%s*(?:\\.\\p{L}%s*){1,99}(?:-%s+){0,99}".formatted(SIGN, SIGN, SIGN),
              ABBREVIATIONS + "\\.",
              "(?:art|ca|figs?|nos?|op|pp)\\.(?=\\s?\\d)",
              // of capitals, which are looked at here only
              "(?-iu:\\p{Lu}+(?:&\\p{Lu}+){1,99}|US\\$(?!\\S))",
              // numbers
              "\\d+(?:[.,]\\d+){1,99}-" + LETTER + SIGN + "*(?:-" + SIGN + "+){0,99}",
              "[-+]?\\d*(?:[.,:]\\d+){1,99}|[-+]\\d+",
              "\\d{3}-\\d{3,4}(?=-\\d)",
              // words with hyphens and slashes
              HYPHENATED + "(?:/" + HYPHENATED + "){0,2}",
              "#\\p{L}+|@[\\p{L}_][\\p{L}\\p{Nd}_]*",
              // signs in a row
              "[!?]+|\\.{3,5}|-+|\\*+|_+|#+|@+",
              "\\S"),
          Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE);

  /** Removed by the evaluation, which keeps what is none of these, such as two marks in a row. */
  private static final Pattern PUNCTUATION = Pattern.compile("''|['\"?!,:;]|\\.+|-{1,4}");

  private static final Pattern ENTITY = Pattern.compile("&(?:amp|lt|gt|quot|nbsp);");

  private CaptionTokenizer() {}

  /** The tokens of a caption: none if it is empty or has nothing but punctuation. */
  public static List<String> tokens(String caption) {
    var text = normalized(caption);
    var matcher = TOKEN.matcher(text).useTransparentBounds(true).useAnchoringBounds(false);
    var tokens = new ArrayList<String>();
    for (var begin = 0; begin < text.length(); ) {
      var end = text.indexOf(' ', begin);
      end = end < 0 ? text.length() : end;
      var word = text.substring(begin, end).toLowerCase(Locale.ROOT);
      if (TWO_WORDS.containsKey(word)) {
        tokens.addAll(TWO_WORDS.get(word));
      } else if (word.chars().allMatch(Character::isLetter)) {
        // most words: much faster than the expression
        if (!word.isEmpty()) {
          tokens.add(word);
        }
      } else {
        matcher.region(begin, end);
        while (matcher.find()) {
          add(matcher.group().toLowerCase(Locale.ROOT), tokens);
        }
      }
      begin = end + 1;
    }
    return List.copyOf(tokens);
  }

  private static void add(String token, List<String> tokens) {
    if (TWO_WORDS.containsKey(token)) {
      tokens.addAll(TWO_WORDS.get(token));
    } else if (!PUNCTUATION.matcher(token).matches()) {
      tokens.add(written(token));
    }
  }

  /** With plain signs for typographic ones, and blanks for all that is not shown. */
  private static String normalized(String caption) {
    var text =
        caption.indexOf('&') < 0
            ? caption
            : ENTITY.matcher(caption).replaceAll(entity -> ENTITIES.get(entity.group()));
    var normalized = new StringBuilder(text.length());
    for (var i = 0; i < text.length(); i++) {
      var c = text.charAt(i);
      normalized.append(
          switch (c) {
            case '’', '‛' -> '\'';
            case '“', '”', '«', '»', '‘', '‹', '›', '`' -> '"';
            case '–', '—', '…' -> ' ';
            default ->
                Character.isWhitespace(c)
                        || Character.isSpaceChar(c)
                        || Character.isISOControl(c)
                        || Character.isSurrogate(c)
                        || Character.getType(c) == Character.FORMAT
                    ? ' '
                    : c;
          });
    }
    return normalized.toString();
  }

  /** As the evaluation writes a token: brackets as names, also in smileys. */
  private static String written(String token) {
    var symbol = BRACKETS.getOrDefault(token, SYMBOLS.get(token));
    if (symbol != null) {
      return symbol;
    }
    return token.startsWith("http") || token.startsWith("www.")
        ? token
        : token.replace("(", BRACKETS.get("(")).replace(")", BRACKETS.get(")"));
  }
}
