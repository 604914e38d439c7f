import type { Capability } from './capability.ts';
import { ECAP_DEVICE_SERIAL_NUMBER } from './ids.ts';

/** The serial number of a device. */
export interface DeviceSerialNumberOptions {
  readonly at?: number;
  /** The EUI-64, most significant byte first: `90-e2-ba-ff-ff-76-86-a8`. */
  readonly serial: string;
}

/**
 * Device Serial Number (PCIe 3.0 7.12).
 *
 * @throws RangeError if the serial number is not eight bytes in hexadecimal with dashes.
 */
export function deviceSerialNumber(options: DeviceSerialNumberOptions): Capability {
  const { serial } = options;
  if (!/^([0-9a-f]{2}-){7}[0-9a-f]{2}$/i.test(serial)) {
    throw new RangeError(
      `serial must be written like 90-e2-ba-ff-ff-76-86-a8, got ${JSON.stringify(serial)}`,
    );
  }
  const digits = serial.replaceAll('-', '');
  return {
    id: ECAP_DEVICE_SERIAL_NUMBER,
    extended: true,
    version: 1,
    name: 'DSN',
    bytes: 12,
    at: options.at,
    rows: () => [
      {
        name: 'Serial Number, lower',
        offset: 4,
        access: 'RO',
        reset: Number.parseInt(digits.slice(8), 16),
        phrase: 'lower half of the EUI-64',
        section: 'PCIe 3.0 7.12.2',
      },
      {
        name: 'Serial Number, upper',
        offset: 8,
        access: 'RO',
        reset: Number.parseInt(digits.slice(0, 8), 16),
        phrase: 'upper half of the EUI-64',
        section: 'PCIe 3.0 7.12.2',
      },
    ],
  };
}
