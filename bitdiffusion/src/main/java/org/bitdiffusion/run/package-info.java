/**
 * The door for programs: {@link org.bitdiffusion.run.Run} is a run that exists, {@link
 * org.bitdiffusion.run.ConfigReader} reads presets and files.
 */
package org.bitdiffusion.run;
