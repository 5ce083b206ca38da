use proptest::prelude::*;

use super::*;
use crate::target::Target;

const RULES: Placement = Placement {
    policy: Policy::ExpectedLoad,
    full: 0.95,
    expected: 8.0,
    cores_per_participant: 0.025,
    memory_ms: 20_000,
};

#[derive(Debug, Clone)]
struct Made {
    target: TargetId,
    name: NodeId,
    standing: Result<Standing, Unfit>,
    load: Option<f64>,
    pending: f64,
}

impl Made {
    fn new(index: usize, standing: Result<Standing, Unfit>, load: Option<f64>, pending: f64) -> Self {
        let name = format!("vm{index}");
        Self {
            target: Target::parse(&name).unwrap().id,
            name: NodeId::parse(&name).unwrap(),
            standing,
            load,
            pending,
        }
    }

    fn up(index: usize, load: f64) -> Self {
        Self::new(index, Ok(Standing::Up), Some(load), 0.0)
    }

    fn candidate(&self) -> Candidate<'_> {
        Candidate {
            target: &self.target,
            name: Some(&self.name),
            region: None,
            standing: self.standing,
            load: self.load,
            pending: self.pending,
            cores: Some(8),
        }
    }
}

fn choice(made: &[Made], tie: u64) -> Result<usize, NoPlace> {
    let candidates: Vec<_> = made.iter().map(Made::candidate).collect();
    let chosen = choose(&candidates, Wish { region: None, tie }, &RULES)?;
    Ok(made.iter().position(|made| made.target == *chosen).unwrap())
}

#[test]
fn the_least_loaded_wins_and_promises_count_as_load() {
    let mut made = vec![Made::up(0, 0.5), Made::up(1, 0.2), Made::up(2, 0.4)];
    assert_eq!(choice(&made, 1), Ok(1));
    made[1].pending = 100.0; // 100 × 0.025 / 8 = 0.31
    assert_eq!(choice(&made, 1), Ok(2));
}

#[test]
fn unknown_comes_after_known_and_a_lesser_standing_after_any_load() {
    let mut made = vec![Made::new(0, Ok(Standing::Up), None, 0.0), Made::up(1, 0.9)];
    assert_eq!(choice(&made, 7), Ok(1));
    made[1].standing = Ok(Standing::Suspect);
    assert_eq!(choice(&made, 7), Ok(0));
    made[0].standing = Ok(Standing::LastResort);
    assert_eq!(choice(&made, 7), Ok(1));
}

#[test]
fn full_nodes_and_other_regions_are_refused_with_the_reason() {
    let made = [Made::up(0, 0.96), Made::up(1, 0.1)];
    let mut candidates: Vec<_> = made.iter().map(Made::candidate).collect();
    candidates[1].region = Some("eu");
    let error = choose(&candidates, Wish { region: Some("us"), tie: 0 }, &RULES).unwrap_err();
    assert_eq!(error.reasons.iter().map(|(_, why)| *why).collect::<Vec<_>>(), [Unfit::WrongRegion; 2]);
    candidates[1].standing = Err(Unfit::Down);
    let error = choose(&candidates, Wish { region: None, tie: 0 }, &RULES).unwrap_err();
    assert_eq!(error.reasons.iter().map(|(_, why)| *why).collect::<Vec<_>>(), [Unfit::Full, Unfit::Down]);
}

#[test]
fn ties_spread_over_all_and_the_same_number_chooses_the_same() {
    let made: Vec<_> = (0..4).map(|index| Made::up(index, 0.3)).collect();
    let mut counts = [0; 4];
    for tie in 0..400 {
        counts[choice(&made, tie).unwrap()] += 1;
    }
    assert!(counts.iter().all(|count| (50..=150).contains(count)), "{counts:?}");
}

fn made() -> impl Strategy<Value = Vec<Made>> {
    let standing = prop_oneof![
        3 => Just(Ok(Standing::Up)), 1 => Just(Ok(Standing::Suspect)), 1 => Just(Ok(Standing::LastResort)),
        1 => Just(Err(Unfit::Down)), 1 => Just(Err(Unfit::NeverRead)),
    ];
    let node = (standing, proptest::option::weighted(0.8, 0.0..1.2f64), 0.0..200.0f64);
    proptest::collection::vec(node, 0..12).prop_map(|nodes| {
        nodes
            .into_iter()
            .enumerate()
            .map(|(i, (standing, load, pending))| Made::new(i, standing, load, pending))
            .collect()
    })
}

proptest! {
    #[test]
    fn nobody_fit_is_clearly_better_than_the_chosen(made in made(), tie: u64) {
        let fit = |m: &Made| m.standing.is_ok() && m.load.is_none_or(|load| load < RULES.full);
        match choice(&made, tie) {
            Err(none) => {
                prop_assert!(!made.iter().any(fit));
                prop_assert_eq!(none.reasons.len(), made.len());
            }
            Ok(chosen) => {
                let chosen = &made[chosen];
                prop_assert!(fit(chosen));
                let score = |m: &Made| m.candidate().score(&RULES).unwrap_or(f64::INFINITY);
                for other in made.iter().filter(|m| fit(m)) {
                    let (a, b) = (chosen.standing.unwrap(), other.standing.unwrap());
                    prop_assert!(a <= b);
                    prop_assert!(a < b || score(chosen) <= score(other) + NEAR, "{chosen:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn the_order_of_the_nodes_does_not_matter(made in made(), tie: u64) {
        let mut reversed = made.clone();
        reversed.reverse();
        let name = |list: &[Made]| choice(list, tie).map(|at| list[at].target.clone()).ok();
        prop_assert_eq!(name(&made), name(&reversed));
    }
}
