import { Scheduler } from '../../../src/kernel/index.ts';
import {
  type FabricOptions,
  type FabricOutcome,
  type FabricRequest,
  PcieFabric,
  type PcieFunction,
} from '../../../src/pcie/index.ts';
import { makeTower, type Tower, type TowerOptions } from '../topology/fixture.ts';

/** Gen 2 x8: 250 ps a byte, so that all sums are whole. */
export const RATE = { generation: 2, lanes: 8 };
export const BYTE_PS = 250;
export const SWITCH_PS = 100_000;
/** An end that is no switch, in the default flight of a link. */
export const END_PS = 75_000;
export const READ_PS = 100_000;
export const TURN_PS = 150_000;

/** Symbols of a TLP: framing and LCRC, a header of three or four double words, payload. */
export const tlpBytes = (payload: number, isLong = false) => 8 + (isLong ? 16 : 12) + payload;

export interface FabricTower extends Tower {
  readonly scheduler: Scheduler;
  readonly fabric: PcieFabric;
  /** PFs of the cards: below ports 0, 1, ... of the switch, and the last one below another root port. */
  readonly pfs: readonly PcieFunction[];
  /** Address of a PF's BAR 0, below 4 GiB. */
  bar(card: number): number;
  /** Runs a request until it has ended. */
  run(request: FabricRequest): FabricOutcome;
}

/** A switch with two cards below a root port, and a card below another one, in time. */
export function makeFabric(tower: TowerOptions = {}, options: FabricOptions = {}): FabricTower {
  const made = makeTower(tower);
  const scheduler = new Scheduler();
  const fabric = new PcieFabric('fabric', scheduler, made.hierarchy, {
    link: () => ({ rate: RATE }),
    ...options,
  });
  const pfs = made.cards.map((card) => card.functions[0]);
  return {
    ...made,
    scheduler,
    fabric,
    pfs,
    bar: (card) => pfs[card].barBase(0),
    run(request) {
      const outcomes: FabricOutcome[] = [];
      fabric.request(request, (outcome) => outcomes.push(outcome));
      scheduler.runUntilIdle();
      if (outcomes.length !== 1) throw new Error(`a request ended ${outcomes.length} times`);
      return outcomes[0];
    },
  };
}
