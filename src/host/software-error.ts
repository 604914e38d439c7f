/**
 * Software of the machine has given up: a device does not do what its driver waits for, or is not there. What it runs into is
 * the machine's state, as faults may leave it, and no defect of the program that simulates it.
 */
export class SoftwareError extends Error {
  override readonly name = 'SoftwareError';
}
