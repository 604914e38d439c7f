import type { RunView } from './run-view.ts';

/**
 * Frames on their way, by where they are, each counted where it lies: in the rings by their indices, in
 * queues by their lengths. Nothing here is a difference of counters, so that the balance proves something.
 */
export function inFlight(simulation: RunView): Record<string, number> {
  const { machine, station } = simulation;
  const { data } = machine.nic;
  const bridge = station.bridge ?? station.extender;
  const { transmitted, received, receive } = data;
  let transmitRings = 0;
  let receiveBuffer = 0;
  let receiveRings = 0;
  for (const [queue, path] of simulation.queuePaths()) {
    const { ringSize, transmitTail, receiveNext } = path.queue;
    transmitRings += modulo(transmitTail - transmitted[queue].index, ringSize);
    receiveRings += modulo(received[queue].index - receiveNext, ringSize);
    receiveBuffer += receive.waitingFrames(queue);
  }
  receiveBuffer += data.classPath?.classed.blockedLength ?? 0;
  return {
    'transmit rings': transmitRings,
    switch: data.inPipeline,
    'receive buffer': receiveBuffer,
    'receive rings': receiveRings,
    'to the wire': data.mac.waiting,
    'from the wire': station.inFlight,
    ...(bridge === null ? {} : { bridge: bridge.inFlight }),
  };
}

function modulo(value: number, size: number): number {
  return ((value % size) + size) % size;
}
