import { checkInteger } from '../../base/index.ts';
import { bit, bits, type RegisterRow } from '../../registers/index.ts';
import type { Capability } from './capability.ts';
import { ECAP_SECONDARY_PCI_EXPRESS } from './ids.ts';

/** Offsets within the capability. */
export const LINK_CONTROL_3 = 0x04;
export const LANE_ERROR_STATUS = 0x08;
export const LANE_EQUALIZATION = 0x0c;

/** The lanes of a port that can run at 8 GT/s. */
export interface SecondaryPciExpressOptions {
  readonly at?: number;
  /** Lanes, 1 to 32. */
  readonly lanes: number;
}

/**
 * Secondary PCI Express (PCIe 3.0 7.27): what function 0 of a device at 8 GT/s or more says of equalisation. The link of an
 * endpoint is equalised from its other end; Link Control 3 is reserved there, and the presets read as a device without
 * a hint has them.
 *
 * @throws RangeError if the number of lanes is out of range, or when a VF is built with it.
 */
export function secondaryPciExpress(options: SecondaryPciExpressOptions): Capability {
  const lanes = checkInteger('lanes', options.lanes, 1, 32);
  return {
    id: ECAP_SECONDARY_PCI_EXPRESS,
    extended: true,
    version: 1,
    name: 'Secondary PCIe',
    bytes: LANE_EQUALIZATION + 2 * lanes,
    at: options.at,
    rows(context) {
      if (context.virtual) throw new RangeError('Secondary PCI Express must be in a PF, got a VF with it');
      return secondaryPciExpressRows(lanes);
    },
  };
}

/** The registers of the capability behind its header; also used to explain a dump. */
export function secondaryPciExpressRows(lanes: number): RegisterRow[] {
  const rows: RegisterRow[] = [
    {
      name: 'Link Control 3',
      offset: LINK_CONTROL_3,
      access: 'RsvdP',
      phrase: 'equalisation of the link',
      section: 'PCIe 3.0 7.27.2',
      fields: [
        bit('Perform Equalization', 0, 'RO', 'the next training equalises'),
        bit('Link Equalization Request Interrupt Enable', 1, 'RO', 'interrupt when the link asks for it'),
      ],
    },
    {
      name: 'Lane Error Status',
      offset: LANE_ERROR_STATUS,
      access: 'RsvdZ',
      phrase: 'lanes that have seen an error',
      section: 'PCIe 3.0 7.27.3',
      fields: [bits('Lane Error Status', 0, lanes, 'RW1CS', 'one bit a lane')],
    },
  ];
  for (let lane = 0; lane < lanes; lane++) {
    rows.push({
      name: `Lane ${lane} Equalization Control`,
      offset: LANE_EQUALIZATION + 2 * lane,
      bytes: 2,
      access: 'RsvdP',
      phrase: 'presets of the lane',
      section: 'PCIe 3.0 7.27.4',
      fields: [
        bits('Downstream Port Transmitter Preset', 0, 4, 'HwInit', 'preset', { reset: 15 }),
        bits('Downstream Port Receiver Preset Hint', 4, 3, 'HwInit', 'hint', { reset: 7 }),
        bits('Upstream Port Transmitter Preset', 8, 4, 'HwInit', 'preset', { reset: 15 }),
        bits('Upstream Port Receiver Preset Hint', 12, 3, 'HwInit', 'hint', { reset: 7 }),
      ],
    });
  }
  return rows;
}
