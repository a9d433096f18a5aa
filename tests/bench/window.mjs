// How long a window takes to its first paint, and how much memory it holds then.
//
//   node tests/bench/window.mjs REPEATS BINARY...
//
// Starts each binary in turn, REPEATS times, through `tauri-driver`, on a display of
// its own and with a data directory of its own. Prints, for each binary, the medians of
// the time from the start of the process to the first contentful paint, and of the
// proportional memory (PSS) of all its processes two seconds later.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const [repeats, ...binaries] = process.argv.slice(2)
if (!(Number(repeats) > 0) || binaries.length === 0) {
  console.error('usage: node window.mjs REPEATS BINARY...')
  process.exit(2)
}

const results = new Map(binaries.map(binary => [binary, { paint: [], memory: [] }]))
// In turn, so that a machine that gets slower or faster is so for all of them.
for (let round = 0; round < Number(repeats); round++) {
  for (const binary of binaries) {
    const { paint, memory } = await measure(binary)
    results.get(binary).paint.push(paint)
    results.get(binary).memory.push(memory)
  }
}
for (const { paint, memory } of results.values()) {
  console.log(`${median(paint).toFixed(0)}\t${median(memory).toFixed(0)}`)
}

async function measure(binary) {
  const data = mkdtempSync(join(tmpdir(), 'flightdeck-bench-'))
  const [port, nativePort] = [await freePort(), await freePort()]
  const driver = spawn('tauri-driver', ['--port', port, '--native-port', nativePort], {
    stdio: 'ignore',
    env: { ...process.env, FLIGHTDECK_DATA_DIR: data, XDG_DATA_HOME: data, XDG_CACHE_HOME: data },
  })
  try {
    const session = await open(`http://127.0.0.1:${port}`, binary)
    try {
      const painted = await firstPaint(session)
      const main = mainProcess(driver.pid, binary)
      await pause(2000)
      return { paint: painted - startOf(main), memory: memoryOf(main) }
    }
    finally {
      await fetch(session, { method: 'DELETE' })
    }
  }
  finally {
    driver.kill()
    await new Promise(resolve => driver.once('exit', resolve))
    rmSync(data, { recursive: true, force: true })
  }
}

/** Opens a session, as soon as the driver listens, and returns its address. */
async function open(driver, binary) {
  const body = JSON.stringify({
    capabilities: { alwaysMatch: { 'tauri:options': { application: binary } } },
  })
  const deadline = Date.now() + 60_000
  for (;;) {
    try {
      const answer = await fetch(`${driver}/session`, { method: 'POST', body })
      const { value } = await answer.json()
      if (!answer.ok) throw new Error(value?.message ?? answer.statusText)
      return `${driver}/session/${value.sessionId}`
    }
    catch (error) {
      if (Date.now() > deadline || error.cause?.code !== 'ECONNREFUSED') throw error
      await pause(50)
    }
  }
}

/** Waits for the first contentful paint and returns its time, in milliseconds since 1970. */
async function firstPaint(session) {
  const script = `
    const [paint] = performance.getEntriesByName('first-contentful-paint')
    return paint ? performance.timeOrigin + paint.startTime : null`
  const deadline = Date.now() + 60_000
  while (Date.now() < deadline) {
    const answer = await fetch(`${session}/execute/sync`, {
      method: 'POST',
      body: JSON.stringify({ script, args: [] }),
    })
    const { value } = await answer.json()
    if (typeof value === 'number') return value
    await pause(50)
  }
  throw new Error('the window painted nothing within a minute')
}

/** The descendant of process `ancestor` that runs `binary`. */
function mainProcess(ancestor, binary) {
  const found = descendants(ancestor).find(pid => commandOf(pid) === binary)
  if (found === undefined) throw new Error(`${binary} does not run`)
  return found
}

function descendants(ancestor) {
  const children = new Map()
  for (const name of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    const parent = statOf(name)?.[1]
    if (parent !== undefined) children.set(Number(parent), [...children.get(Number(parent)) ?? [], Number(name)])
  }
  const below = pid => (children.get(pid) ?? []).flatMap(child => [child, ...below(child)])
  return below(ancestor)
}

/** The fields of a process's `stat` from the state on: state, parent, … */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  }
  catch {
    return undefined
  }
}

function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0]
  }
  catch {
    return undefined
  }
}

/** When a process started, in milliseconds since 1970; the kernel counts in 10 ms. */
function startOf(pid) {
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])
  const started = Number(statOf(pid)[19]) / 100
  return Date.now() - (uptime - started) * 1000
}

/** The memory of a process and all below it, shared pages counted in parts, in MB. */
function memoryOf(pid) {
  const pss = pid => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
  return [pid, ...descendants(pid)].map(pss).reduce((sum, part) => sum + part, 0) / 1000
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]
}

/** A port that nobody listens on right now. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}
