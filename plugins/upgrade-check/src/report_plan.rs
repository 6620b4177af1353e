//! The plan as rows.

use lab_plugin::{Health, Level};

use crate::plan::Step;
use crate::report::some_of;
use crate::rows::{CommandRow, ImageRow, PlanRow};
use crate::rule::Severity;

/// What each step needs and brings, in order.
pub fn plan_rows(steps: &[Step]) -> Vec<(String, PlanRow)> {
    let mut rows = Vec::new();
    for step in steps {
        for (number, item) in step.items.iter().enumerate() {
            let result = match item.severity {
                Some(Severity::Fail) => Health(Level::Bad, "must".to_owned()),
                Some(Severity::Warn) => Health(Level::Warn, "should".to_owned()),
                None => Health(Level::Info, "note".to_owned()),
            };
            let row = PlanRow {
                step: step.name(),
                phase: item.phase.word(),
                result,
                what: item.what.clone(),
                seen: some_of(&item.seen),
                link: Some(item.link.clone()),
                id: item.id.clone(),
            };
            rows.push((format!("{}/{number}", step.name()), row));
        }
    }
    rows
}

/// Commands of each step.
pub fn command_rows(steps: &[Step]) -> Vec<(String, CommandRow)> {
    let rows = steps.iter().map(|step| {
        let row = CommandRow { step: step.name(), command: step.commands.clone() };
        (step.name(), row)
    });
    rows.collect()
}

/// Images of each step, which a mirror must have first.
pub fn image_rows(steps: &[Step]) -> Vec<(String, ImageRow)> {
    let rows = steps.iter().flat_map(|step| {
        step.images.iter().map(|image| {
            let row = ImageRow { step: step.name(), image: image.clone() };
            (format!("{}/{image}", step.name()), row)
        })
    });
    rows.collect()
}
