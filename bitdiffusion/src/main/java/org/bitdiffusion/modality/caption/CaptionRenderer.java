package org.bitdiffusion.modality.caption;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.modality.Renderer;
import org.bitdiffusion.modality.image.Fit;
import org.bitdiffusion.modality.image.ImageFiles;
import org.bitdiffusion.model.Samples;
import org.bitdiffusion.text.Tokenizer;

/**
 * Captions as text, one a line, or as lines of JSON.
 *
 * @param owner whether the tokenizer is closed with this
 */
public record CaptionRenderer(Tokenizer tokenizer, Schema schema, boolean owner)
    implements Renderer {
  private static final String LINES = ".txt";
  private static final String JSON = ".jsonl";

  @Override
  public List<String> endings() {
    return List.of(LINES, JSON);
  }

  @Override
  public String mediaType(String ending) {
    return ending.equals(LINES) ? "text/plain; charset=utf-8" : "application/jsonl";
  }

  /** The captions that samples stand for. */
  public List<String> texts(Samples samples) {
    var length = samples.space().places();
    return IntStream.range(0, samples.count())
        .mapToObj(i -> tokenizer.decode(samples.symbols(), i * length, length))
        .toList();
  }

  @Override
  public byte[] render(String ending, Samples samples, int columns) {
    var texts = texts(samples);
    if (ending.equals(JSON)) {
      var json = new ObjectMapper().createObjectNode();
      var lines = new StringBuilder();
      for (var i = 0; i < texts.size(); i++) {
        lines.append(json.put("id", i).put("text", texts.get(i))).append('\n');
      }
      return lines.toString().getBytes(UTF_8);
    }
    var lines = new ArrayList<String>();
    for (var i = 0; i < texts.size(); i++) {
      if (columns > 1 && i > 0 && i % columns == 0) {
        lines.add(""); // between those that belong together
      }
      lines.add(texts.get(i).replaceAll("\\R", " ")); // one a line
    }
    return (String.join("\n", lines) + "\n").getBytes(UTF_8);
  }

  /** An image file, which the captions are to describe. */
  @Override
  public Given given(String text, int count) {
    var side = ((Condition.Pixels) schema.condition()).height();
    return Given.image(ImageFiles.square(Path.of(text), side, Fit.of(schema)));
  }

  @Override
  public void close() {
    if (owner) {
      tokenizer.close();
    }
  }
}
