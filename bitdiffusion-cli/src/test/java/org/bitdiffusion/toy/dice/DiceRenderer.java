package org.bitdiffusion.toy.dice;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.modality.Renderer;
import org.bitdiffusion.model.Samples;

/** Rolls as lines such as {@code 3-2-20-1}. */
record DiceRenderer() implements Renderer {
  @Override
  public List<String> endings() {
    return List.of(".txt");
  }

  @Override
  public String mediaType(String ending) {
    return "text/plain";
  }

  @Override
  public byte[] render(String ending, Samples samples, int columns) {
    return IntStream.range(0, samples.count())
        .mapToObj(i -> line(samples.part(i, 1).symbols()) + "\n")
        .collect(Collectors.joining())
        .getBytes(UTF_8);
  }

  private static String line(int[] roll) {
    return IntStream.of(roll).mapToObj(i -> "" + (i + 1)).collect(Collectors.joining("-"));
  }

  @Override
  public Given given(String text, int count) {
    throw new ConfigurationException("dice are rolled without conditions");
  }
}
