import type { FunctionProfile } from '../pcie/index.ts';
import { broadcomBcm57810Config } from './broadcom-bcm57810-config.ts';
import { genericConfig } from './generic-config.ts';
import { intel82576Config } from './intel-82576-config.ts';
import { intel82599Config } from './intel-82599-config.ts';
import { intelI350Config } from './intel-i350-config.ts';
import { intelX710Config } from './intel-x710-config.ts';

/** A card as far as its configuration space goes: functions, capabilities, VFs. */
export interface CardConfig {
  readonly name: string;
  /** With how many ports it is made; each is a PF. The usual number first. */
  readonly ports: readonly number[];
  /** Whether a scenario can name it: the others have a configuration space and nothing behind it. */
  readonly hasDataPath: boolean;
  /**
   * Its functions without VFs.
   *
   * @param ports one of `ports`.
   * @param errata with the deviations of the real chip from the specification, where they are known.
   * @throws RangeError for another number of ports.
   */
  readonly functions: (ports: number, errata: boolean) => FunctionProfile[];
}

/** The cards whose configuration space is modelled, by name. */
export const CARD_CONFIGS: readonly CardConfig[] = [
  {
    name: 'intel-82599',
    ports: [1, 2],
    hasDataPath: true,
    functions: (ports, errata) => intel82599Config({ ports: ports as 1 | 2, errata }),
  },
  { name: 'intel-82576', ports: [2, 1], hasDataPath: false, functions: (ports) => intel82576Config(ports) },
  { name: 'intel-i350', ports: [4, 2, 1], hasDataPath: false, functions: (ports) => intelI350Config(ports) },
  { name: 'intel-x710', ports: [2, 1, 4], hasDataPath: false, functions: (ports) => intelX710Config(ports) },
  {
    name: 'broadcom-bcm57810',
    ports: [2, 1],
    hasDataPath: false,
    functions: (ports) => broadcomBcm57810Config(ports),
  },
  {
    name: 'generic',
    ports: [1, 2, 4, 8],
    hasDataPath: false,
    functions: (ports) => genericConfig({ pfs: ports }),
  },
];
