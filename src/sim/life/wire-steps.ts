import type { Receipt } from './collected-frame.ts';
import type { LifeStep } from './life-steps.ts';
import type { StepMaker } from './step-maker.ts';
import { ns, PREAMBLE_BYTES } from './transmit-steps.ts';

/** From the switch to the other end of the cable. */
export function wireOutSteps(
  make: StepMaker,
  { wire, out }: Receipt,
  branch: number,
  delayPs: number,
): LifeStep[] {
  if (wire === null) return [];
  const bytes = wire.b + PREAMBLE_BYTES;
  const lastPs = wire.timePs + wire.c;
  const firstPs = lastPs - bytes * make.clocks.periodPs('byte');
  const waited = firstPs - out.timePs;
  const why = waited > 0 ? `, having waited ${ns(waited)} for it` : '';
  const what = `${wire.b} bytes with check sequence behind the preamble, then the gap${why}`;
  const arrivesPs = lastPs + delayPs;
  const parts = {
    endPs: lastPs,
    arrivesPs,
    clock: 'byte',
    link: 'wire.out',
    linkBytes: bytes,
    branch,
  } as const;
  return [
    make.step('wireSent', firstPs, 'nic.mac', what, parts),
    make.step('wireArrived', arrivesPs, 'station', 'the other end has it, behind MAC, PHY and cable', {
      branch,
    }),
  ];
}
