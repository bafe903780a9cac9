package org.bitdiffusion.text;

import java.util.function.Consumer;

/**
 * Cuts text as the pre-tokenizer "ByteLevel" of a tokenizer.json does, which is GPT-2's rule: no
 * token reaches across these cuts. All characters stay, so that the parts joined are the text. A
 * part is, whatever comes first,
 *
 * <ul>
 *   <li>an English ending: 's 't 'm 'd 're 've 'll, in lower case;
 *   <li>letters, or numerals, or other marks, with one space before them if there is one;
 *   <li>blanks; the last one before a word is left to it, or stands alone if it is no space.
 * </ul>
 *
 * <p>Letters that are newer than this Java's Unicode count as marks here, and as letters where a
 * tokenizer.json is run. That changes what is learned from them, but not what is read back.
 */
final class ByteLevelWords {
  private enum Kind {
    LETTER,
    NUMERAL,
    BLANK,
    OTHER
  }

  private ByteLevelWords() {}

  static void split(String text, Consumer<String> parts) {
    for (var at = 0; at < text.length(); ) {
      var end = end(text, at);
      parts.accept(text.substring(at, end));
      at = end;
    }
  }

  /** Where the part ends that begins at a place. */
  private static int end(String text, int begin) {
    var ending = ending(text, begin);
    if (ending > 0) {
      return begin + ending;
    }
    var word = text.charAt(begin) == ' ' ? begin + 1 : begin;
    if (word < text.length()) {
      var kind = kind(text.codePointAt(word));
      if (kind != Kind.BLANK) {
        return endOfRun(text, word, kind);
      }
    }
    var end = endOfRun(text, begin, Kind.BLANK);
    // All blanks are of one char each.
    return end < text.length() && end - begin > 1 ? end - 1 : end;
  }

  private static int ending(String text, int at) {
    if (text.charAt(at) != '\'' || at + 1 == text.length()) {
      return 0;
    }
    var letters = text.substring(at + 1, Math.min(text.length(), at + 3));
    if ("stmd".indexOf(letters.charAt(0)) >= 0) {
      return 2;
    }
    return letters.equals("re") || letters.equals("ve") || letters.equals("ll") ? 3 : 0;
  }

  private static int endOfRun(String text, int begin, Kind kind) {
    var end = begin;
    while (end < text.length()) {
      var c = text.codePointAt(end);
      if (kind(c) != kind) {
        break;
      }
      end += Character.charCount(c);
    }
    return end;
  }

  private static Kind kind(int c) {
    return switch (Character.getType(c)) {
      case Character.UPPERCASE_LETTER,
          Character.LOWERCASE_LETTER,
          Character.TITLECASE_LETTER,
          Character.MODIFIER_LETTER,
          Character.OTHER_LETTER ->
          Kind.LETTER;
      case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER ->
          Kind.NUMERAL;
      case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR ->
          Kind.BLANK;
      default -> c >= '\t' && c <= '\r' || c == 0x85 ? Kind.BLANK : Kind.OTHER;
    };
  }
}
