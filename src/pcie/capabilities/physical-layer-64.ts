import { checkInteger } from '../../base/index.ts';
import { bit, bits, type RegisterRow } from '../../registers/index.ts';
import type { Capability } from './capability.ts';
import { ECAP_PHYSICAL_LAYER_64 } from './ids.ts';

/** Offset within the capability: a byte for each lane. */
const LANES = 0x10;

/** The lanes of a port that can run at 64 GT/s. */
export interface PhysicalLayer64Options {
  readonly at?: number;
  /** Lanes, 1 to 32. */
  readonly lanes: number;
}

/**
 * Physical Layer 64.0 GT/s (PCIe 6.0 7.7.7): what function 0 of a device of generation 6 says of equalisation at that rate, as
 * after training. Its presets read as a device without a hint has them.
 *
 * @throws RangeError if the number of lanes is out of range, or when a VF is built with it.
 */
export function physicalLayer64(options: PhysicalLayer64Options): Capability {
  const lanes = checkInteger('lanes', options.lanes, 1, 32);
  return {
    id: ECAP_PHYSICAL_LAYER_64,
    extended: true,
    version: 1,
    name: 'Physical Layer 64.0 GT/s',
    bytes: LANES + Math.ceil(lanes / 4) * 4,
    at: options.at,
    rows(context) {
      if (context.virtual) throw new RangeError('Physical Layer 64.0 GT/s must be in a PF, got a VF with it');
      return physicalLayer64Rows(lanes);
    },
  };
}

/** The registers of the capability behind its header; also used to explain a dump. */
export function physicalLayer64Rows(lanes: number): RegisterRow[] {
  const rows: RegisterRow[] = [
    {
      name: '64.0 GT/s Capabilities',
      offset: 0x04,
      access: 'RsvdP',
      phrase: 'nothing yet',
      section: 'PCIe 6.0 7.7.7.2',
    },
    {
      name: '64.0 GT/s Control',
      offset: 0x08,
      access: 'RsvdP',
      phrase: 'nothing yet',
      section: 'PCIe 6.0 7.7.7.3',
    },
    {
      name: '64.0 GT/s Status',
      offset: 0x0c,
      access: 'RsvdZ',
      phrase: 'equalisation of the link',
      section: 'PCIe 6.0 7.7.7.4',
      fields: [
        bit('Equalization Complete', 0, 'RO', 'done at 64 GT/s', { reset: 1, keptByFlr: true }),
        bit('Phase 1 Successful', 1, 'RO', 'of equalisation', { reset: 1, keptByFlr: true }),
        bit('Phase 2 Successful', 2, 'RO', 'of equalisation', { reset: 1, keptByFlr: true }),
        bit('Phase 3 Successful', 3, 'RO', 'of equalisation', { reset: 1, keptByFlr: true }),
        bit('Link Equalization Request', 4, 'RW1CS', 'the link asks for it'),
        bit('Transmitter Precoding On', 5, 'RO', 'this end precodes'),
        bit('Transmitter Precode Request', 6, 'RO', 'this end asks the other one to precode'),
        bit('No Equalization Needed Received', 7, 'RO', 'the other end needs none'),
      ],
    },
  ];
  for (let lane = 0; lane < lanes; lane++) {
    rows.push({
      name: `64.0 GT/s Lane ${lane} Equalization Control`,
      offset: LANES + lane,
      bytes: 1,
      access: 'RsvdP',
      phrase: 'presets of the lane',
      section: 'PCIe 6.0 7.7.7.5',
      fields: [
        bits('Downstream Port Transmitter Preset', 0, 4, 'HwInit', 'preset', { reset: 15 }),
        bits('Upstream Port Transmitter Preset', 4, 4, 'HwInit', 'preset', { reset: 15 }),
      ],
    });
  }
  return rows;
}

/** Lanes of a capability, which does not say how many it has: as many powers of two as have presets. */
export function lanesOf64(read: (offset: number, bytes: number) => number): number {
  let lanes = 1;
  while (lanes < 16 && read(LANES + lanes, 1) !== 0) lanes *= 2;
  return lanes;
}
