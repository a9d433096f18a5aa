import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { raise, type Stage } from './harness'
import { DETAILS, PAGES } from './pages'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const THEMES = ['light', 'dark'] as const

interface Finding { id: string, impact: string, nodes: { target: string[], failureSummary: string }[] }

/** Waits until nothing moves and runs axe on the whole page. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(() => Promise.allSettled(document.getAnimations().filter(one => one.effect?.getTiming().iterations !== Infinity).map(one => one.finished)))
  await page.evaluate(AXE)
  const violations = await page.evaluate(() => (globalThis as unknown as { axe: { run: (where: Document, options: object) => Promise<{ violations: Finding[] }> } }).axe.run(document, { resultTypes: ['violations'] }).then(result => result.violations))
  return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 4).map(node => `${node.target.join(' ')} (${node.failureSummary.split('\n')[1]?.trim()})`).join(' | ')}`)
}

let stage: Stage
beforeAll(async () => void (stage = await raise()))
afterAll(() => stage.close())

describe.each(THEMES)('in %s, axe finds nothing', (theme) => {
  const options = { colorScheme: theme, reducedMotion: 'reduce' } as const

  it.each([['setup', '?vault=absent', '[data-testid=setup]'], ['setup without a keychain', '?vault=absent&keychain=no', '[data-testid=setup-passphrase]'], ['locked', '?vault=locked&keychain=no', '[data-testid=locked]']])('on %s', async (_name, query, ready) => {
    const page = await stage.open(`${query}&theme=${theme}`, options)
    await page.waitForSelector(ready)
    expect(await findings(page)).toEqual([])
    await page.context().close()
  })

  it.each(['empty', 'some', 'many'])('on any page with the fleet `%s`', async (fleet) => {
    const page = await stage.open(`?fleet=${fleet}&theme=${theme}`, options)
    const found: string[] = []
    for (const { name, hash, ready } of PAGES) {
      await page.goto(page.url().split('#')[0] + hash)
      await page.reload()
      await page.waitForSelector(ready)
      await page.waitForSelector('[data-testid=loading]', { state: 'detached' })
      found.push(...(await findings(page)).map(finding => `${name}: ${finding}`))
    }
    expect(found).toEqual([])
    await page.context().close()
  })

  it('on any screen behind a page', async () => {
    const page = await stage.open(`?fleet=some&theme=${theme}`, options)
    const found: string[] = []
    for (const { name, hash, open, ready } of DETAILS) {
      await page.goto(page.url().split('#')[0] + hash)
      await page.evaluate(() => localStorage.removeItem('flightdeck.jobs.open'))
      await page.reload()
      await page.click(open)
      await page.waitForSelector(ready)
      found.push(...(await findings(page)).map(finding => `${name}: ${finding}`))
    }
    expect(found).toEqual([])
    await page.context().close()
  })
})

it('nothing was logged, thrown or asked of the network on the way', () => {
  expect(stage.complaints).toEqual([])
})
