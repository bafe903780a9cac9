/** All settings of a run as records, which a {@code config.yaml} holds. */
package org.bitdiffusion.config;
