import { describe, expect, it, vi } from 'vitest'
import { type Run } from '@/ipc/bindings.gen'
import { appears, press, show } from '@/test.mount'
import PlanView from './PlanView.vue'

const change = (address: string, action: Run['changes'][number]['action']) => ({ address, resourceType: address.split('.')[0] ?? '', action })
const RUN: Run = {
  id: 'run_1', stackId: 'stk_1', jobId: 'job_1', operation: 'plan', status: 'succeeded', resources: [], diagnostics: [], startedAt: '2026-01-01T00:00:00Z', endedAt: '2026-01-01T00:00:09Z', decided: false,
  changes: [change('a.one', 'create'), change('a.two', 'create'), change('b.one', 'replace'), change('c.one', 'delete'), change('d.one', 'no_op')],
}

describe('a plan', () => {
  it('counts what it changes by kind, and leaves out what stays', async () => {
    const shown = await show(PlanView, { run: RUN, allowed: true, busy: null })

    expect((await appears('plan-count-create')).textContent).toContain('2')
    expect((await appears('plan-count-replace')).textContent).toContain('1')
    expect((await appears('plan-count-delete')).textContent).toContain('1')
    expect(shown.text()).not.toContain('d.one')
  })

  it('puts what is lost first', async () => {
    const shown = await show(PlanView, { run: RUN, allowed: true, busy: null })

    expect(shown.findAll('h3').map(heading => heading.text())).toEqual(['1 resource is deleted', '1 resource is destroyed and made anew', '2 resources are created'])
  })

  it('is approved by a button, which a role without the permission does not see', async () => {
    const approve = vi.fn()
    const approver = await show(PlanView, { run: RUN, allowed: true, busy: null, onApprove: approve })
    await press('plan-approve')
    expect(approve).toHaveBeenCalledOnce()
    approver.unmount()

    const viewer = await show(PlanView, { run: RUN, allowed: false, busy: null })
    expect(viewer.find('[data-testid=plan-approve]').exists()).toBe(false)
  })
})
