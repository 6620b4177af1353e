//! A plan as rows of `ipam plan`.

use lab_plugin::{Fact, Health, Level};

use crate::plan::Plan;
use crate::report_ipam::integer;
use crate::rows::{ChangeRow, PlanRow};

/// One row for each question, each with its key.
pub fn plan_rows(plan: &Plan) -> Vec<(String, PlanRow)> {
    let row = |line: &crate::plan::Line| {
        let verdict = match line.fits() {
            Some(true) => Fact::Known(Health(Level::Good, "fits".to_owned())),
            Some(false) => Fact::Known(Health(Level::Bad, "too-few".to_owned())),
            None => Fact::Unknown("one of the numbers is not known".to_owned()),
        };
        let row = PlanRow {
            pool: line.pool.clone(),
            cidr: line.cidrs.clone(),
            question: line.question,
            now: line.now.map(|number| integer(*number)),
            planned: line.planned.map(|number| integer(*number)),
            needed: Fact::Known(integer(line.needed)),
            verdict,
        };
        (format!("{}/{}/{}", line.pool, line.cidrs, line.question), row)
    };
    plan.lines.iter().map(row).collect()
}

/// One row for each setting that changes.
pub fn change_rows(plan: &Plan) -> Vec<(String, ChangeRow)> {
    let row = |change: &crate::plan::Change| {
        let row = ChangeRow {
            setting: change.setting.clone(),
            now: change.now.clone(),
            planned: change.planned.clone(),
            note: change.note.clone(),
        };
        (change.setting.clone(), row)
    };
    plan.changes.iter().map(row).collect()
}
