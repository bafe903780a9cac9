package org.bitdiffusion.nn.captioner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.pytorch.global.torch.zeros;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.bitdiffusion.modality.image.InceptionV3;
import org.bitdiffusion.nn.ConvolutionCheck;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Precision;
import org.bitdiffusion.runtime.Safetensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Features against those of encoders that were written independently, in eager PyTorch and float64:
 * encoder-reference.py made encoder-reference.safetensors.
 */
class EncoderReferenceTest {
  private static final int SIDE = 48;

  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  @ParameterizedTest
  @CsvSource({
    "FLOAT32, Contiguous, 1e-5",
    "FLOAT32, ChannelsLast, 1e-5",
    "BFLOAT16, ChannelsLast, 0.05"
  })
  void resNet50(Precision precision, torch.MemoryFormat layout, double tolerance)
      throws URISyntaxException {
    var compute = new Compute(torch.DeviceType.CPU, precision, layout, "test");
    var builder = new Parameters.Builder(0);
    var encoder = new ResNet50(builder, SIDE, compute);
    try (var parameters = builder.build(compute);
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      // The published counts: 25,557,032 weights, of which 2,049,000 are the classifier's, and the
      // mean and variance of each of 26,560 normed channels.
      assertThat(parameters.trained().numel()).isEqualTo(25_557_032 - 2_049_000);
      assertThat(parameters.count() - parameters.trained().numel()).isEqualTo(2 * 26_560);
      drawLikeTheReference(parameters.byName());
      var reference = reference();
      var images = reference.get("images").to(precision.type());
      var before = parameters.values().clone();
      assertThat(error(encoder.forward(images, false, null), reference.get("resnet50")))
          .isLessThan(tolerance);
      assertThat(parameters.values().equal(before)).isTrue();
    }
  }

  /**
   * By the batch's statistics, of 8 values a channel at the end, which enlarges rounding errors.
   */
  @ParameterizedTest
  @EnumSource(names = {"Contiguous", "ChannelsLast"})
  void resNet50InTraining(torch.MemoryFormat layout) throws URISyntaxException {
    var compute = new Compute(torch.DeviceType.CPU, Precision.FLOAT32, layout, "test");
    var builder = new Parameters.Builder(0);
    var encoder = new ResNet50(builder, SIDE, compute);
    try (var parameters = builder.build(compute);
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      drawLikeTheReference(parameters.byName());
      var reference = reference();
      var features = encoder.forward(reference.get("images"), true, null);
      assertThat(error(features, reference.get("resnet50_training"))).isLessThan(5e-4);
      var running = "layer3.0.bn2.running_var";
      assertThat(error(parameters.byName().get(running), reference.get(running))).isLessThan(1e-5);
    }
  }

  @ParameterizedTest
  @CsvSource({"FLOAT32, 1e-5", "BFLOAT16, 0.02"})
  void visionTransformer(Precision precision, double tolerance) throws URISyntaxException {
    var builder = new Parameters.Builder(0);
    var encoder = new VisionTransformer(builder, SIDE, 16, 32, 2, 4, 0);
    try (var parameters = builder.build(Compute.PLAIN);
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      drawLikeTheReference(parameters.byName());
      var reference = reference();
      var features = encoder.forward(reference.get("images").to(precision.type()), false, null);
      assertThat(error(features, reference.get("vit"))).isLessThan(tolerance);
    }
  }

  /** FID's Inception-v3, with the resize to 299x299. */
  @ParameterizedTest
  @CsvSource({
    "FLOAT32, Contiguous, 1e-5",
    "FLOAT32, ChannelsLast, 1e-5",
    "BFLOAT16, ChannelsLast, 0.05"
  })
  void inceptionV3(Precision precision, torch.MemoryFormat layout, double tolerance)
      throws URISyntaxException {
    var compute = new Compute(torch.DeviceType.CPU, precision, layout, "test");
    try (var network = new InceptionV3(compute);
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      drawLikeTheReference(network.parameters().byName());
      var reference = reference();
      var images = reference.get("images").add(new Scalar(1)).div(new Scalar(2));
      var output = network.forward(images);
      assertThat(error(output.pooled(), reference.get("inception"))).isLessThan(tolerance);
      assertThat(error(output.logits(), reference.get("inception_logits"))).isLessThan(tolerance);
      var weight = network.parameters().byName().get("fc.weight");
      var unbiased = reference.get("inception").matmul(weight.transpose(0, 1));
      assertThat(error(output.unbiased(), unbiased)).isLessThan(tolerance);
    }
  }

  @Test
  void convolutionsAreThoseThatAreComputed() {
    var builder = new Parameters.Builder(0);
    var encoder = new ResNet50(builder, 224, Compute.PLAIN);
    try (var parameters = builder.build(Compute.PLAIN)) {
      assertThat(encoder.convolutions()).hasSize(53);
      assertThat(encoder.convolutions().get(0))
          .isEqualTo(new ConvolutionCheck.Shape(3, 64, 7, 2, 224));
      assertThat(encoder.convolutions())
          .endsWith(new ConvolutionCheck.Shape(512, 2048, 1, 1, 7))
          .contains(new ConvolutionCheck.Shape(512, 512, 3, 2, 14));
    }
  }

  /** The same weights as encoder-reference.py: of the same generator, in the order of names. */
  private static void drawLikeTheReference(Map<String, Tensor> weights) {
    var random = new Random(7);
    try (var scope = new PointerScope()) {
      new TreeMap<>(weights)
          .forEach(
              (name, weight) -> {
                var isMatrix = weight.dim() == 2 || weight.dim() == 4;
                var bound = isMatrix ? Math.sqrt(3.0 / weight.select(0, 0).numel()) : 0.5;
                var isNorm =
                    weight.dim() == 1
                        && (name.contains("norm")
                            || name.contains("bn")
                            || name.contains("downsample.1"));
                var mean =
                    isNorm && (name.endsWith("weight") || name.endsWith("running_var")) ? 1 : 0;
                var values = new float[(int) weight.numel()];
                for (var i = 0; i < values.length; i++) {
                  values[i] = (float) (mean + bound * (2.0 * random.nextFloat() - 1));
                }
                weight.copy_(Tensor.create(values, weight.shape()));
              });
    }
  }

  private static Map<String, Tensor> reference() throws URISyntaxException {
    var tensors = new HashMap<String, Tensor>();
    tensors.put("images", zeros(2, 3, SIDE, SIDE));
    tensors.put("resnet50", zeros(2, 4, 2048));
    tensors.put("resnet50_training", zeros(2, 4, 2048));
    tensors.put("layer3.0.bn2.running_var", zeros(256));
    tensors.put("vit", zeros(2, 10, 32));
    tensors.put("inception", zeros(2, 2048));
    tensors.put("inception_logits", zeros(2, 1008));
    var file =
        EncoderReferenceTest.class.getResource("/org/bitdiffusion/encoder-reference.safetensors");
    Safetensors.read(Path.of(file.toURI()), tensors);
    return tensors;
  }

  private static double error(Tensor actual, Tensor expected) {
    return actual.to(torch.ScalarType.Float).sub(expected).norm().item_double()
        / expected.norm().item_double();
  }
}
